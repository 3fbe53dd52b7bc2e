//! What was found in one object, made into a line.

use std::borrow::Cow;

use super::{
    super::{
        common,
        line::{Field, Line, is_nothing},
        time::{self, Dates},
    },
    usual::USUAL,
};

/// A value that is not made of others.
pub(super) enum Scalar<'l> {
    Text(Cow<'l, str>),
    Whole(u64),
    Real(f64),
}

/// What was found in one object.
#[derive(Default)]
pub(super) struct Found<'l> {
    /// By field, with how likely the name was.
    values: [Option<(usize, Scalar<'l>)>; USUAL.len()],
    headers: Vec<(usize, Scalar<'l>)>,
}

impl<'l> Found<'l> {
    /// Keeps `value`, unless something is there under a likelier name.
    pub(super) fn put(&mut self, field: Field, rank: usize, value: Scalar<'l>) {
        if let Field::Header(number) = field {
            self.headers.push((number, value));
            return;
        }
        let slot = &mut self.values[place(field)];
        if slot.as_ref().is_none_or(|(other, _)| rank <= *other) {
            *slot = Some((rank, value));
        }
    }

    fn take(&mut self, field: Field) -> Option<Scalar<'l>> {
        self.values[place(field)].take().map(|(_, value)| value)
    }

    fn text(&mut self, field: Field) -> Option<Cow<'l, str>> {
        self.take(field).map(Scalar::text).filter(|text| !is_nothing(text.as_bytes()))
    }

    fn bytes(&mut self, field: Field) -> Option<Cow<'l, [u8]>> {
        self.text(field).map(bytes)
    }

    pub(super) fn line(
        mut self,
        names: &'l [String],
        dates: &mut Dates,
    ) -> Result<Line<'l>, &'static str> {
        let at = match self.take(Field::Time).ok_or(Field::Time.missing())? {
            Scalar::Text(text) => dates.any(&text),
            Scalar::Whole(number) => time::of_whole(number),
            Scalar::Real(number) => time::of_number(number),
        };
        let status = self.take(Field::Status).and_then(|status| match status {
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Whole(number) => number.try_into().ok(),
            Scalar::Real(_) => None,
        });
        let mut line = Line {
            at: at.ok_or("this is no time")?,
            address: self.text(Field::Address).ok_or(Field::Address.missing())?,
            method: self.text(Field::Method),
            status,
            user: self.bytes(Field::User),
            host: self.bytes(Field::Host),
            agent: self.bytes(Field::Agent),
            referer: self.bytes(Field::Referer),
            ..Line::default()
        };
        let request = self.text(Field::Request);
        let request = request.as_deref().map(|it| common::request_line(it.as_bytes()));
        if let Some(target) = self.bytes(Field::Path) {
            line.set_target(target);
        } else {
            let (_, target) = request.ok_or(Field::Path.missing())??;
            line.set_target(Cow::Owned(target.to_vec()));
        }
        if let (None, Some(Ok((method, _)))) = (&line.method, request) {
            line.method = Some(Cow::Owned(String::from_utf8_lossy(method).into_owned()));
        }
        let query = self.bytes(Field::Query);
        line.query = line.query.or(query);
        let headers = self.headers.into_iter();
        line.headers = headers
            .filter_map(|(number, value)| Some((names.get(number)?.as_str(), bytes(value.text()))))
            .collect();
        Ok(line)
    }
}

impl<'l> Scalar<'l> {
    fn text(self) -> Cow<'l, str> {
        match self {
            Self::Text(text) => text,
            Self::Whole(number) => Cow::Owned(number.to_string()),
            Self::Real(number) => Cow::Owned(number.to_string()),
        }
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Where a field's value is kept.
fn place(field: Field) -> usize {
    USUAL.iter().position(|(_, known, _)| *known == field).unwrap_or_default()
}
