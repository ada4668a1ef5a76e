//! EAN-13 barcodes: the bars of 13 digits, and back.
//!
//! Source of the patterns: GS1 General Specifications, 5.2.1 (number sets A, B, C; parity of the first digit).

use scene::is_ean13;

/// Modules of a symbol without its quiet zones.
pub(crate) const MODULES: usize = 95;
/// Light modules left of a symbol and right of it.
pub(crate) const QUIET: [usize; 2] = [11, 7];

/// Number set A, 7 modules a digit, dark is 1. Set C is its complement, set B is C read backwards.
const SET_A: [u8; 10] = [0x0D, 0x19, 0x13, 0x3D, 0x23, 0x31, 0x2F, 0x3B, 0x37, 0x0B];
/// Which of the six left digits are of set B, by the first digit; the highest of six bits is the first.
const PARITY: [u8; 10] = [0x00, 0x0B, 0x0D, 0x0E, 0x13, 0x19, 0x1C, 0x15, 0x16, 0x1A];

fn pattern(digit: u8, set: char) -> u8 {
    let a = SET_A[usize::from(digit)];
    let c = !a & 0x7F;
    match set {
        'A' => a,
        'C' => c,
        _ => (0..7).fold(0, |b, i| b | (c >> i & 1) << (6 - i)),
    }
}

/// The modules of a symbol, true is dark; `None` for anything but 13 digits with a right check digit.
#[must_use]
pub fn encode_ean13(digits: &str) -> Option<[bool; 95]> {
    if digits.len() != 13 || !is_ean13(digits) {
        return None;
    }
    let digits: Vec<u8> = digits.bytes().map(|b| b - b'0').collect();
    let mut bars = [false; MODULES];
    let mut at = 0;
    let mut put = |bits: u8, count: usize| {
        for i in (0..count).rev() {
            bars[at] = bits >> i & 1 == 1;
            at += 1;
        }
    };
    put(0b101, 3);
    for (i, &digit) in digits[1..7].iter().enumerate() {
        let b = PARITY[usize::from(digits[0])] >> (5 - i) & 1 == 1;
        put(pattern(digit, if b { 'B' } else { 'A' }), 7);
    }
    put(0b01010, 5);
    for &digit in &digits[7..] {
        put(pattern(digit, 'C'), 7);
    }
    put(0b101, 3);
    Some(bars)
}

/// The 13 digits that modules stand for; `None` when they are no symbol or the check digit is wrong.
#[must_use]
pub fn decode_ean13(bars: &[bool; 95]) -> Option<String> {
    let bits = |from: usize, count: usize| bars[from..from + count].iter().fold(0u8, |v, &b| v << 1 | u8::from(b));
    if bits(0, 3) != 0b101 || bits(45, 5) != 0b01010 || bits(92, 3) != 0b101 {
        return None;
    }
    let find = |code: u8, set: char| (0..10u8).find(|&d| pattern(d, set) == code);
    let (mut parity, mut digits) = (0u8, Vec::with_capacity(13));
    for i in 0..6 {
        let code = bits(3 + 7 * i, 7);
        let (digit, b) = match find(code, 'A') {
            Some(digit) => (digit, 0),
            None => (find(code, 'B')?, 1),
        };
        parity = parity << 1 | b;
        digits.push(digit);
    }
    for i in 0..6 {
        digits.push(find(bits(50 + 7 * i, 7), 'C')?);
    }
    let first = PARITY.iter().position(|&p| p == parity)? as u8;
    let text: String = core::iter::once(first).chain(digits).map(|d| char::from(b'0' + d)).collect();
    is_ean13(&text).then_some(text)
}

/// Twelve digits with their check digit.
pub(crate) fn with_check_digit(twelve: [u8; 12]) -> String {
    let sum: u32 = twelve.iter().zip([1, 3].iter().cycle()).map(|(&d, w)| u32::from(d) * w).sum();
    let check = ((10 - sum % 10) % 10) as u8;
    twelve.iter().chain([&check]).map(|&d| char::from(b'0' + d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_symbol_has_its_printed_bars() {
        // 4 006381 333931: the first digit 4 gives the parity A B A A B B.
        let bars = encode_ean13("4006381333931").unwrap();
        let text: String = bars.iter().map(|&b| if b { '1' } else { '0' }).collect();
        assert!(text.starts_with("101000110101001110101111"), "{text}");
        assert!(text.ends_with("101"));
    }

    #[test]
    fn digits_become_bars_and_bars_become_digits() {
        for k in 0..2_000u64 {
            let mut number = k.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
            let twelve = std::array::from_fn(|_| {
                let digit = (number % 10) as u8;
                number /= 10;
                digit
            });
            let digits = with_check_digit(twelve);
            assert_eq!(decode_ean13(&encode_ean13(&digits).unwrap()), Some(digits));
        }
    }

    #[test]
    fn a_wrong_check_digit_has_no_bars_and_a_broken_bar_no_digits() {
        assert_eq!(encode_ean13("4006381333932"), None);
        assert_eq!(encode_ean13("400638133393"), None);
        let mut bars = encode_ean13("4006381333931").unwrap();
        bars[46] = !bars[46];
        assert_eq!(decode_ean13(&bars), None);
    }
}
