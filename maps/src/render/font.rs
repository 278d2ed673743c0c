//! A font of strokes for PNG: letters (small ones as capitals), digits and a few signs on a grid of 4 by 6.
//!
//! A glyph is strokes parted by spaces, a stroke is points of two digits: right 0 to 4, down 0 to 6.

use super::scene::Px;

/// Advance from letter to letter, grid units.
const ADVANCE: f32 = 5.6;
/// Grid units in the height of a text (letters are 6 of them tall).
const UNITS: f32 = 8.4;

fn glyph(letter: char) -> &'static str {
    match letter.to_ascii_uppercase() {
        'A' => "0602204246 0444",
        'B' => "060030414233 03334445 453606",
        'C' => "4130100105163645",
        'D' => "00063645413000",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "1030 2026 1636",
        'J' => "4045361605",
        'K' => "0006 400346",
        'L' => "000646",
        'M' => "0600234046",
        'N' => "06004640",
        'O' | '0' => "103041453616050110",
        'P' => "060030414233 3303",
        'Q' => "103041453616050110 2446",
        'R' => "060030414233 3303 1346",
        'S' => "41301001021334453616 1605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016233640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '1' => "112026 0646",
        '2' => "0110304142060646",
        '3' => "0040223243453616 1605",
        '4' => "36300444",
        '5' => "400002324345361605",
        '6' => "30100105163645443303",
        '7' => "004016",
        '8' => "103041423344453616050413020110 1333",
        '9' => "43130201103041453616",
        '-' => "1333",
        '+' => "1333 2224",
        '.' => "2526",
        ',' => "2516",
        ':' => "2122 2526",
        '/' => "0640",
        '%' => "0640 0111 3545",
        '(' => "30121436",
        ')' => "10323416",
        '_' => "0646",
        '=' => "0242 0444",
        _ => "",
    }
}

/// How wide a text is, pixels.
pub(super) fn width(text: &str, size: f32) -> f32 {
    let unit = size / UNITS;
    (text.chars().count() as f32 * ADVANCE - (ADVANCE - 4.0)).max(0.0) * unit
}

/// The strokes of a text whose lower left corner is `at`, pixels. Letters the font lacks are left blank.
pub(super) fn strokes(text: &str, at: Px, size: f32) -> Vec<Vec<Px>> {
    let unit = size / UNITS;
    let mut strokes = vec![];
    for (index, letter) in text.chars().enumerate() {
        let left = at[0] + index as f32 * ADVANCE * unit;
        let top = at[1] - 6.0 * unit;
        for stroke in glyph(letter).split(' ') {
            let digits: Vec<f32> = stroke.bytes().map(|digit| f32::from(digit - b'0')).collect();
            let points: Vec<Px> =
                digits.chunks_exact(2).map(|point| [left + point[0] * unit, top + point[1] * unit]).collect();
            if points.len() > 1 {
                strokes.push(points);
            }
        }
    }
    strokes
}
