//! What a gate may ask about a request: the one thing that an adapter has to answer.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::matching::Asked;

/// Field values, in the order in which they came.
pub type Lines<'a> = SmallVec<[Cow<'a, [u8]>; 1]>;

/// What a gate may ask about a request. Clients choose every answer but the peer.
///
/// A gate asks for what its rules need, and for nothing else.
pub trait Facts {
    /// False when there is no request at all: what only a request has is then an error
    /// rather than absent.
    fn is_request(&self) -> bool {
        true
    }

    /// The other end of the connection; `None` when it has no address, as on a Unix socket.
    fn peer(&self) -> Option<&str>;

    /// The request's method.
    fn method(&self) -> &str;

    /// The request's path, decoded, without the query.
    fn path(&self) -> Cow<'_, [u8]>;

    /// All values of the header field `name`, which is in lower case.
    fn header(&self, name: &str) -> Lines<'_>;

    /// The query, as it was sent, without the question mark.
    fn query(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"")
    }

    /// The template of the route that will serve the request; `None` when none will, or when it
    /// is not known.
    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// The user who is signed in; `None` when nobody is.
    fn user(&self) -> Option<Cow<'_, [u8]>> {
        None
    }

    /// The field `name` of a form in the request's body.
    fn form(&self, _name: &str) -> Option<Cow<'_, [u8]>> {
        None
    }

    /// The answer to the key of [`Key::Custom`](crate::Key::Custom) with this number, counted
    /// over all rules of the gate in their order.
    fn key(&self, _number: usize) -> Option<Cow<'_, [u8]>> {
        None
    }

    /// The limit of the rule at position `rule` for this request, instead of its own.
    fn limit(&self, _rule: usize) -> Option<Cow<'_, str>> {
        None
    }

    /// Whether the rule at position `rule` leaves this request alone.
    fn is_exempt(&self, _rule: usize) -> bool {
        false
    }

    /// The name of the one rule that is to be applied, here and now, whether or not it is one
    /// that applies only [by name](crate::Rule::by_name). `None` for all that apply to requests.
    fn rule(&self) -> Option<&str> {
        None
    }

    /// The client's address, when somebody in front has found it out already.
    fn address(&self) -> Option<&str> {
        None
    }

    /// What this request costs, instead of the rules' own cost.
    fn cost(&self) -> Option<u32> {
        None
    }
}

/// A request, as rules are matched against it.
pub(super) struct Request<'f>(pub(super) &'f dyn Facts);

impl Asked for Request<'_> {
    fn path(&self) -> Cow<'_, [u8]> {
        self.0.path()
    }

    fn method(&self) -> &str {
        self.0.method()
    }

    fn host(&self) -> Cow<'_, [u8]> {
        self.0.header("host").into_iter().next().unwrap_or_default()
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.0.route()
    }
}
