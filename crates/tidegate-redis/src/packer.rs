//! Commands in the server's protocol.

/// Commands written one after the other, to be sent in one go.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    bytes: Vec<u8>,
}

impl Packer {
    /// Forgets what was written, and keeps its room.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins a command of so many words, its name included.
    pub(crate) fn begin(&mut self, words: usize) {
        self.line(b'*', words as u64);
    }

    /// Writes a whole command.
    pub(crate) fn command(&mut self, words: &[&[u8]]) {
        self.begin(words.len());
        for word in words {
            self.word(word);
        }
    }

    pub(crate) fn word(&mut self, word: &[u8]) {
        self.line(b'$', word.len() as u64);
        self.bytes.extend_from_slice(word);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Writes a word that consists of two parts.
    pub(crate) fn joined(&mut self, first: &[u8], second: &[u8]) {
        self.line(b'$', (first.len() + second.len()) as u64);
        self.bytes.extend_from_slice(first);
        self.bytes.extend_from_slice(second);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Writes a number as a word.
    pub(crate) fn number(&mut self, number: u64) {
        let mut digits = [0; 20];
        self.word(decimal(number, &mut digits));
    }

    fn line(&mut self, sign: u8, number: u64) {
        let mut digits = [0; 20];
        self.bytes.push(sign);
        self.bytes.extend_from_slice(decimal(number, &mut digits));
        self.bytes.extend_from_slice(b"\r\n");
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        // A remainder of ten fits a byte.
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_strings() {
        let mut packer = Packer::default();

        packer.begin(3);
        packer.word(b"SET");
        packer.joined(b"a:", b"b");
        packer.number(u64::MAX);

        let written = b"*3\r\n$3\r\nSET\r\n$3\r\na:b\r\n$20\r\n18446744073709551615\r\n";
        assert_eq!(packer.bytes(), written);
    }
}
