//! Request ids.

use crate::js::sys;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A random id. From `getRandomValues`, since `randomUUID` exists in secure contexts only.
pub(crate) fn fresh() -> String {
    let mut bytes = [0; 16];
    sys::random_values(&mut bytes);
    uuid(bytes, 4)
}

/// A random number, for what need not be unguessable.
pub(crate) fn seed() -> u32 {
    let mut bytes = [0; 4];
    sys::random_values(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// The id of these parts: the same in every tab.
pub(crate) fn derived(parts: &[&str], numbers: &[u32]) -> String {
    let mut bytes = [0; 16];
    for (lane, bytes) in bytes.chunks_exact_mut(8).enumerate() {
        let mut hash = Fnv::new(lane as u8);
        for part in parts {
            hash.eat(part.as_bytes());
            hash.eat(&[0xff]); // no UTF-8 text contains it, so that parts cannot run into each other
        }
        for number in numbers {
            hash.eat(&number.to_le_bytes());
        }
        bytes.copy_from_slice(&hash.finish());
    }
    uuid(bytes, 8)
}

/// FNV-1a, 64 bits: ids have to differ where messages differ, nobody gains by making them collide.
struct Fnv(u64);

impl Fnv {
    fn new(lane: u8) -> Self {
        let mut new = Self(0xcbf2_9ce4_8422_2325);
        new.eat(&[lane]);
        new
    }

    fn eat(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> [u8; 8] {
        // The last bytes eaten have hardly reached the high bits yet.
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).to_be_bytes()
    }
}

fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}
