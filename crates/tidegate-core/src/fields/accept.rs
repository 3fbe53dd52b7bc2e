//! Which form of a refusal's body a client asks for.

use super::quoted;

/// A form in which the body of a refusal can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// Problem details for programs, RFC 9457.
    ProblemJson,
    /// A page for browsers.
    Html,
    /// Plain text.
    Text,
}

/// What an `Accept` field says about one media type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    /// How closely the range that says so matches: higher is closer, and counts first.
    closeness: u8,
    /// Weight in thousandths; 0 refuses.
    weight: u16,
}

impl Preference {
    /// `*/*`.
    const ANYTHING: u8 = 1;
    /// `text/*`.
    const FAMILY: u8 = 2;
    /// The least closeness of a range that names the type itself.
    const NAMED: u8 = 3;
}

impl MediaType {
    /// The value of `Content-Type`. JSON has no charset parameter, because it is always UTF-8.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::ProblemJson => "application/problem+json",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// The form that suits a client which sent this `Accept` field; several lines of it are
    /// joined by commas.
    ///
    /// The highest weight wins. At a tie it is HTML if that is named, which only browsers and
    /// those like them do, and then problem details, text, HTML in this order. Problem
    /// details also suit who asks for `application/json`. Without the field, and when it
    /// allows none of the three, they are problem details.
    ///
    /// Source: RFC 9110, section 12.5.1.
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let accept = accept.unwrap_or_default();
        let json = Self::ProblemJson.preference(accept);
        let html = Self::Html.preference(accept);
        let text = Self::Text.preference(accept);
        let highest = json.weight.max(html.weight).max(text.weight);
        if html.weight == highest && html.closeness >= Preference::NAMED && highest > 0 {
            Self::Html
        } else if json.weight == highest {
            Self::ProblemJson
        } else if text.weight == highest {
            Self::Text
        } else {
            Self::Html
        }
    }

    /// The names under which clients ask for it, the exact one first.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::ProblemJson => &["application/problem+json", "application/json"],
            Self::Html => &["text/html"],
            Self::Text => &["text/plain"],
        }
    }

    /// What the closest range says; the highest weight if there are several.
    fn preference(self, accept: &str) -> Preference {
        quoted::split(accept, b',')
            .filter_map(|range| self.judged_by(range))
            .max()
            .unwrap_or_default()
    }

    /// What one media range says; `None` when it is about other types, or malformed.
    fn judged_by(self, range: &str) -> Option<Preference> {
        let mut parts = quoted::split(range, b';').map(str::trim);
        let name = parts.next()?;
        let (mut weight, mut parameters) = (1000, 0);
        for part in parts.filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("q" | "Q", value)) => weight = thousandths(value)?,
                _ => parameters = 1,
            }
        }
        let closeness = self.closeness(name, parameters)?;
        Some(Preference { closeness, weight })
    }

    /// How closely the range `name` matches. `parameters` is 1 when the range has some: what
    /// we send has none of them, so that it is matched better by the range without.
    fn closeness(self, name: &str, parameters: u8) -> Option<u8> {
        let names = self.names();
        if let Some(position) = names.iter().position(|known| known.eq_ignore_ascii_case(name)) {
            let later = if position == 0 { 2 } else { 0 };
            return Some(Preference::NAMED + 1 + later - parameters);
        }
        let family = names.first()?.split_once('/')?.0;
        match name.split_once('/') {
            Some((kind, "*")) if kind.eq_ignore_ascii_case(family) => Some(Preference::FAMILY),
            Some(("*", "*")) => Some(Preference::ANYTHING),
            // Sent by Java's `HttpURLConnection`.
            None if name == "*" => Some(Preference::ANYTHING),
            _ => None,
        }
    }
}

/// A weight from 0 to 1 in thousandths, cut behind the third digit; `None` for anything else.
fn thousandths(text: &str) -> Option<u16> {
    if text.is_empty() {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = match whole {
        // Not allowed, but sent: `q=.2`.
        "" | "0" => 0,
        "1" => 1000,
        _ => return None,
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain([b'0'; 3]).take(3);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (whole + fraction <= 1000).then_some(whole + fraction)
}

#[cfg(test)]
mod tests {
    use super::{
        MediaType::{Html, ProblemJson, Text},
        *,
    };

    #[test]
    fn accept_decides_the_form_of_the_body() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
        for (accept, expected) in [
            (None, ProblemJson),
            (Some(""), ProblemJson),
            (Some("*/*"), ProblemJson),
            (Some("application/json"), ProblemJson),
            (Some("application/problem+json"), ProblemJson),
            (Some("APPLICATION/JSON"), ProblemJson),
            (Some("application/*"), ProblemJson),
            (Some("application/json, text/plain, */*"), ProblemJson),
            (Some("text/html"), Html),
            (Some("Text/HTML; Charset=UTF-8"), Html),
            (Some(chrome), Html),
            (Some("text/html, application/json"), Html),
            (Some("application/json, text/html;q=0.9"), ProblemJson),
            (Some("text/html;q=0.5, */*;q=0.1"), Html),
            (Some("text/html;q=0.1, */*;q=0.5"), ProblemJson),
            (Some("text/html;q=0, */*"), ProblemJson),
            (Some("text/plain"), Text),
            (Some("text/*"), Text),
            (Some("text/*, text/html;q=0.9"), Text),
            (Some("text/*, text/plain;q=0.1"), Html),
            (Some("text/plain;q=0.9, application/json;q=0.8"), Text),
            (Some("text/plain, */*"), ProblemJson),
            (Some("application/problem+json;q=0, application/json;q=0, */*"), Text),
            (
                Some("application/json;q=0.2, application/problem+json;q=0.9, text/html;q=0.5"),
                ProblemJson,
            ),
            (Some("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"), Html),
            (Some(r#"text/plain;x="a,text/html;q=1";q=0.4, application/json;q=0.5"#), ProblemJson),
            (Some(r#"text/plain;x="a,application/json", text/html;q=0.5"#), Text),
            (Some("image/png"), ProblemJson),
            (Some("*/*;q=0"), ProblemJson),
            (Some("text/html;q=0"), ProblemJson),
            (Some("text/html;q=high, text/plain;q=0.1"), Text),
            (Some(";;,,\"\\"), ProblemJson),
        ] {
            assert_eq!(MediaType::negotiate(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn weights_are_thousandths() {
        for (text, weight) in [
            ("1", 1000),
            ("1.000", 1000),
            ("0", 0),
            ("0.", 0),
            ("0.5", 500),
            ("0.05", 50),
            ("0.005", 5),
            ("0.0009", 0),
            ("0.9999", 999),
            (".2", 200),
        ] {
            assert_eq!(thousandths(text), Some(weight), "{text}");
        }
        for text in ["", "1.001", "2", "-1", "0,5", "0.x", "00.5", "high"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn the_closest_range_decides_whatever_the_order() {
        // The example of RFC 9110, section 12.5.1.
        let accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, */*;q=0.5";
        assert_eq!(Text.preference(accept).weight, 700);
        assert_eq!(Html.preference(accept).weight, 300);
        assert_eq!(ProblemJson.preference(accept).weight, 500);
    }

    #[test]
    fn problem_details_named_exactly_count_before_plain_json() {
        let accept = "application/json, application/problem+json;q=0.1, application/*;q=0.5";
        assert_eq!(ProblemJson.preference(accept).weight, 100);
    }

    #[test]
    fn a_malformed_range_says_nothing() {
        for accept in ["text/html;q=2", "text/html;q=", "text", "", ";;,", "text/html/x", "/"] {
            assert_eq!(Html.preference(accept), Preference::default(), "{accept}");
        }
    }
}
