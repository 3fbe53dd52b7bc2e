//! Limit strings: `100/minute burst 20; 1000/calendar-day@Europe/Paris; 20 concurrent`, parsed
//! into [`Limit`](crate::Limit)s and a number of requests in flight.
//!
//! ```text
//! limits    := limit ((',' | ';' | '|') limit)*
//! limit     := rate | in-flight
//! rate      := [algorithm ':'] count ('/' | 'per') (span | calendar) option*
//! in-flight := count 'concurrent'
//! count     := 100 | 1_000 | 10k | 2m | 1.5
//! span      := unit | number | (number unit)+
//! unit      := ns us ms s sec second m min minute h hr hour d day w wk week month year
//! calendar  := 'calendar-' (minute | hour | day | week | month | year) ['@' zone]
//! option    := 'burst' count | 'strict' | 'queue' span | 'force'
//! algorithm := gcra | token_bucket | leaky_bucket | fixed_window
//!            | sliding_window_log | sliding_window_counter
//! ```
//!
//! Case matters only in zone names, and white space only inside a token. A number without a
//! unit is in seconds; `m` is a minute after `/` and a million after a count. A month is 30
//! days and a year 360, as in the Python library `limits`, whose strings are all valid here;
//! for the true ones there are `calendar-month` and `calendar-year`. A count with a fraction
//! stretches the period: `0.5/second` is one unit per two seconds. Of limits of requests in
//! flight there is at most one in a text.
//!
//! Text that fits nowhere is an error at its column, never skipped, and nothing is assumed in
//! its place. Parsing takes time in proportion to the text, which is at most
//! [`Limits::MAX_CHARACTERS`] long. What a limit *means* is not known here: that is
//! [`Limit::new`](crate::Limit::new)'s business, and so is refusing what makes no sense.
//! Neither is known which zones there are; see [`Limits::zone_error`].
//!
//! # Examples
//!
//! ```
//! use tidegate_core::grammar::Limits;
//!
//! let limits: Limits = "10 per second; 1k/hour burst 50".parse()?;
//! assert_eq!(limits.to_string(), "10/second; 1000/hour burst 50");
//!
//! let error = "100/minit".parse::<Limits>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     r#"invalid limit "100/minit", column 5: unknown unit "minit"; did you mean "minute"?"#,
//! );
//! # Ok::<(), tidegate_core::grammar::ParseError>(())
//! ```

mod display;
mod error;
mod lexer;
mod limits;
mod message;
mod number;
mod options;
mod parser;
mod period;
mod suggest;
mod vocabulary;

pub use error::{NumberProblem, ParseError, Problem};
pub use limits::Limits;
pub use suggest::closest;
pub use vocabulary::Vocabulary;
