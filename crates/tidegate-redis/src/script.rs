//! The scripts, and how they are called.

use std::sync::LazyLock;

use crate::packer::Packer;

/// A script, and the digest by which a server that has seen it knows it.
pub(crate) struct Script {
    source: &'static str,
    digest: String,
}

/// Decides requests; see `script/check.lua`, and for the usual ones `script/quick.lua`.
pub(crate) static CHECK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("script/quick.lua"),
        include_str!("script/clock.lua"),
        include_str!("script/state.lua"),
        include_str!("script/check.lua")
    ))
});

/// Changes one counter; see `script/adjust.lua`.
pub(crate) static ADJUST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("script/clock.lua"),
        include_str!("script/state.lua"),
        include_str!("script/adjust.lua")
    ))
});

/// How a script is named in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// By its digest, which is short, and which the server may not know.
    Digest,
    /// By its whole text, which the server will know from then on.
    Source,
}

impl Script {
    fn new(source: &'static str) -> Self {
        Self { source, digest: redis::Script::new(source).get_hash().to_owned() }
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// A line of the text, counted from 1.
    pub(crate) fn line(&self, number: usize) -> Option<&'static str> {
        self.source.lines().nth(number.checked_sub(1)?)
    }

    /// Begins a call with so many keys and arguments, which are to be written next.
    pub(crate) fn begin(&self, packer: &mut Packer, by: By, keys: usize, arguments: usize) {
        packer.begin(3 + keys + arguments);
        match by {
            By::Digest => {
                packer.word(b"EVALSHA");
                packer.word(self.digest.as_bytes());
            }
            By::Source => {
                packer.word(b"EVAL");
                packer.word(self.source.as_bytes());
            }
        }
        packer.number(keys as u64);
    }
}
