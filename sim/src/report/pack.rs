//! Numbers as text, small: variable-length integers (LEB128, signed ones folded as in Protocol Buffers) in base64.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Numbers in the order they were put in.
#[derive(Clone, Debug, Default)]
pub(super) struct Pack(Vec<u8>);

impl Pack {
    /// Seven bits a byte, the lowest first.
    pub(super) fn whole(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Small numbers of either sign are short.
    pub(super) fn signed(&mut self, value: i64) {
        self.whole((value << 1 ^ value >> 63) as u64);
    }

    /// Base64 without padding.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.0.len().div_ceil(3) * 4);
        for three in self.0.chunks(3) {
            let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
                << (8 * (3 - three.len()));
            let digits = (0..=three.len()).map(|place| DIGITS[(bits >> (18 - 6 * place) & 63) as usize]);
            text.extend(digits.map(char::from));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_page_reads_them() {
        let mut pack = Pack::default();
        [0, 127, 128, 300].into_iter().for_each(|value| pack.whole(value));
        [0, -1, 1, -150].into_iter().for_each(|value| pack.signed(value));
        assert_eq!(pack.0, [0, 127, 0x80, 1, 0xac, 2, 0, 1, 2, 0xab, 2]);
    }

    #[test]
    fn base64_is_the_standard_one_without_padding() {
        let texts = [&b""[..], b"f", b"fo", b"foo", b"foob"].map(|bytes| Pack(bytes.to_vec()).text());
        assert_eq!(texts, ["", "Zg", "Zm8", "Zm9v", "Zm9vYg"]);
    }
}
