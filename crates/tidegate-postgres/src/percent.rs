//! Percent-encoding, as URLs have it.

use tidegate_remote::RemoteError;

use crate::error::setup;

/// `text` with every `%` and two digits turned into their byte; `what` is named in the error.
///
/// # Errors
///
/// [`RemoteError::Setup`], without the text: it may be a password.
pub(crate) fn decode(what: &str, text: &str) -> Result<String, RemoteError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            return Err(setup(format!(
                "{what} in the PostgreSQL URL has a `%` without two hexadecimal digits; write `%` itself as %25"
            )));
        };
        bytes.push(byte);
        rest = &tail[2..];
    }
    String::from_utf8(bytes)
        .map_err(|_| setup(format!("{what} in the PostgreSQL URL is not UTF-8")))
}

/// Names and values of a query, still encoded; a name without a value has an empty one.
pub(crate) fn split_query(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}
