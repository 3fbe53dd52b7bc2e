//! What holds for any limit and any text.

use proptest::{collection::vec, prelude::*, sample::select};
use tidegate_core::{
    CalendarUnit, Limit, LimitSpec, Nanos, Period, Zone,
    algorithm::Kind,
    grammar::{Limits, Problem},
};

use crate::{DAY, HOUR, MINUTE, SECOND};

fn period() -> impl Strategy<Value = Period> {
    let unit = select(vec![1, 1_000, 1_000_000, SECOND, MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY]);
    let span = prop_oneof![(0..100_u64, unit).prop_map(|(n, unit)| n * unit), any::<u64>()];
    let zone = "[A-Za-z0-9/_+-]{1,64}".prop_filter_map("no zone's name", |name| Zone::new(&name));
    let zone = prop_oneof![Just(Zone::utc()), zone];
    prop_oneof![
        3 => span.prop_map(|span| Period::Span(Nanos(span))),
        1 => (select(&CalendarUnit::ALL), zone)
            .prop_map(|(unit, zone)| Period::Calendar { unit, zone }),
    ]
}

prop_compose! {
    /// Specs of which many make sense.
    fn spec()(
        algorithm in select(&Kind::ALL),
        limit in prop_oneof![0..200_u32, any::<u32>()],
        period in period(),
        burst in prop::option::weighted(0.3, prop_oneof![1..200_u32, any::<u32>()]),
        strict in prop::bool::weighted(0.2),
        max_wait in prop::option::weighted(0.2, any::<u64>().prop_map(Nanos)),
        force in prop::bool::weighted(0.2),
    ) -> LimitSpec {
        LimitSpec { algorithm, limit, period, burst, strict, max_wait, force }
    }
}

/// Pieces of limit strings, so that random texts get far into the grammar.
fn pieces() -> impl Strategy<Value = String> {
    let words = vec![
        "1",
        "10",
        "0",
        "1.5",
        ".",
        "_",
        "k",
        "m",
        "/",
        "per",
        "s",
        "minute",
        "calendar-day",
        "@",
        "UTC",
        "burst",
        "strict",
        "queue",
        "force",
        "concurrent",
        ";",
        ",",
        ":",
        "gcra",
        "fixed_window",
        " ",
        "-",
        "é",
        "\0",
    ];
    vec(select(words), 0..12).prop_map(|words| words.concat())
}

fn check_column(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Limits>() {
        Ok(limits) => prop_assert_eq!(limits.to_string().parse(), Ok(limits)),
        Err(error) => {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column()), "{}", error);
            prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_canonical_spelling_parses_back(specs in vec(spec(), 1..6)) {
        let mut limits: Vec<Limit> = Vec::new();
        for limit in specs.into_iter().filter_map(|spec| Limit::new(spec).ok()) {
            prop_assert_eq!(limit.to_string().parse(), Ok(limit.clone()), "{}", limit);
            if !limits.contains(&limit) {
                limits.push(limit);
            }
        }
        let texts: Vec<String> = limits.iter().map(Limit::to_string).collect();
        if let Ok(parsed) = texts.join("; ").parse::<Limits>() {
            prop_assert_eq!(parsed.as_slice(), limits);
        } else {
            prop_assert!(limits.is_empty() || texts.join("; ").len() > Limits::MAX_CHARACTERS);
        }
    }

    #[test]
    fn requests_in_flight_may_stand_anywhere(
        rates in vec(1..9_u32, 0..4),
        requests in any::<u32>(),
        place in 0..5_usize,
    ) {
        let mut parts: Vec<String> =
            (60..).zip(&rates).map(|(span, units)| format!("{units}/{span}s")).collect();
        parts.insert(place.min(parts.len()), format!("{requests} CONCURRENT"));

        let limits: Limits = parts.join("; ").parse().unwrap();

        prop_assert_eq!(limits.concurrent(), Some(requests));
        let units: Vec<u32> = limits.iter().map(|limit| limit.spec().limit).collect();
        prop_assert_eq!((units, limits.is_empty()), (rates.clone(), rates.is_empty()));
        prop_assert_eq!(limits.to_string().parse(), Ok(limits));
    }

    #[test]
    fn any_text_is_parsed_or_has_its_error_within(text in any::<String>()) {
        check_column(&text)?;
    }

    #[test]
    fn any_bytes_are_parsed_or_have_their_error_within(bytes in vec(any::<u8>(), 0..1500)) {
        check_column(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn pieces_of_limits_are_parsed_or_have_their_error_within(text in pieces()) {
        check_column(&text)?;
    }

    /// Compared by cross-multiplication with the digits as they stand, which shares nothing
    /// with the lowest terms that the parser takes.
    #[test]
    fn a_fraction_is_rescaled_exactly(
        whole in 0..5000_u32,
        decimals in "[0-9]{1,5}",
        seconds in 1..100_u64,
    ) {
        let parsed = format!("{whole}.{decimals}/{seconds}s").parse::<Limit>();
        let digits: u128 = format!("{whole}{decimals}").parse().unwrap();
        let scale = 10_u128.pow(u32::try_from(decimals.len()).unwrap());
        match parsed {
            Ok(limit) => {
                let period = u128::from(seconds * SECOND);
                let span = u128::from(limit.spec().window().0);
                let units = u128::from(limit.spec().limit);
                prop_assert_eq!(units * period * scale, digits * span);
                let divides = |n: u128| units % n == 0 && span % (n * period) == 0;
                prop_assert!(units == 0 || !(2..=10).any(divides), "not in lowest terms: {}", limit);
            }
            Err(error) => {
                prop_assert!(matches!(error.problem(), Problem::Senseless(_)), "{}", error);
            }
        }
    }
}
