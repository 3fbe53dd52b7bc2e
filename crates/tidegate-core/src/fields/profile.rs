//! Which header fields tell a client about its limits.

use alloc::string::String;
use core::{fmt, ops::BitOr, str::FromStr};

/// A set of header field families; any of them can stand together.
///
/// | name | fields |
/// |---|---|
/// | `x-ratelimit` (default) | `X-RateLimit-Limit`, `-Remaining`, and `-Reset` in seconds since the Unix epoch |
/// | `draft` | `RateLimit-Policy` and `RateLimit`, of draft-ietf-httpapi-ratelimit-headers-11 |
/// | `legacy` | `RateLimit-Limit`, `-Remaining`, and `-Reset` in seconds from now, of that draft before its seventh version |
/// | `none` | none |
///
/// `Retry-After` belongs to no profile: a refusal that a wait can cure always has it.
///
/// # Examples
///
/// ```
/// use tidegate_core::fields::Profile;
///
/// let profile: Profile = "draft, x-ratelimit".parse()?;
/// assert_eq!(profile, Profile::DRAFT | Profile::X_RATELIMIT);
/// assert_eq!(profile.to_string(), "x-ratelimit, draft");
/// # Ok::<(), tidegate_core::fields::ProfileError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile(u8);

/// Why a text is no [`Profile`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no family of this name.
    Unknown {
        /// The name.
        name: String,
    },
    /// `none` was joined with something.
    NoneWithOthers,
}

impl Profile {
    /// No fields at all.
    pub const NONE: Self = Self(0);
    /// What most servers send and most clients read.
    pub const X_RATELIMIT: Self = Self(1);
    /// The structured fields of the current draft.
    pub const DRAFT: Self = Self(2);
    /// The three fields of the early drafts.
    pub const LEGACY: Self = Self(4);

    const NAMES: [(&'static str, Self); 3] =
        [("x-ratelimit", Self::X_RATELIMIT), ("draft", Self::DRAFT), ("legacy", Self::LEGACY)];

    /// True when every family of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn named(name: &str) -> Result<Self, ProfileError> {
        Self::NAMES
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, profile)| profile)
            .ok_or_else(|| ProfileError::Unknown { name: name.into() })
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::X_RATELIMIT
    }
}

impl BitOr for Profile {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromStr for Profile {
    type Err = ProfileError;

    /// Reads names in any case, joined by `,` or `+`.
    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let mut names = text.split([',', '+']).map(str::trim);
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self::NONE);
        }
        names.try_fold(Self::NONE, |profile, name| {
            if name.eq_ignore_ascii_case("none") {
                return Err(ProfileError::NoneWithOthers);
            }
            Ok(profile | Self::named(name)?)
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("none");
        }
        let mut separator = "";
        for (name, family) in Self::NAMES {
            if self.contains(family) {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => write!(
                f,
                "{name:?} is not a header profile; write x-ratelimit, draft, legacy, some of them joined by commas, or none"
            ),
            Self::NoneWithOthers => f.write_str(
                "\"none\" cannot be joined with other header profiles; leave it out, or write only none",
            ),
        }
    }
}

impl core::error::Error for ProfileError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn profiles_join_in_any_order_and_print_in_one() {
        for text in [
            "x-ratelimit,draft,legacy",
            "legacy + DRAFT+ x-ratelimit",
            "draft, legacy, draft,x-ratelimit",
        ] {
            let profile: Profile = text.parse().unwrap();
            assert_eq!(profile.to_string(), "x-ratelimit, draft, legacy", "{text}");
        }
        assert_eq!(" None ".parse(), Ok(Profile::NONE));
        assert_eq!(Profile::NONE.to_string(), "none");
    }

    #[test]
    fn a_profile_contains_only_what_was_joined() {
        let profile = Profile::DRAFT | Profile::LEGACY;
        assert!(profile.contains(Profile::DRAFT));
        assert!(!profile.contains(Profile::X_RATELIMIT));
        assert!(!profile.contains(Profile::X_RATELIMIT | Profile::DRAFT));
        assert!(!Profile::NONE.contains(Profile::DRAFT));
    }

    #[test]
    fn none_stands_alone() {
        assert_eq!("none, draft".parse::<Profile>(), Err(ProfileError::NoneWithOthers));
        assert_eq!("draft+none".parse::<Profile>(), Err(ProfileError::NoneWithOthers));
    }

    #[test]
    fn unknown_names_are_answered_with_the_known_ones() {
        for (text, name) in
            [("github", "github"), ("", ""), ("draft,", ""), ("draft legacy", "draft legacy")]
        {
            let error = text.parse::<Profile>().unwrap_err();
            assert_eq!(error, ProfileError::Unknown { name: name.into() });
            assert!(error.to_string().contains("x-ratelimit, draft, legacy"), "{error}");
        }
    }
}
