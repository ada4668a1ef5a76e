//! Letters drawn with strokes: our own font, so that prints need no font file.

use super::paint::{Canvas, Rgb, segment_distance};

/// How letters are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pen {
    /// Width of a stroke over the height of a capital.
    pub weight: f32,
    /// Width of a letter over its usual width.
    pub stretch: f32,
    /// How far the top leans to the right, over the height.
    pub slant: f32,
    /// Corners are rounded.
    pub round: bool,
    /// Shortest strokes at the ends of stems.
    pub serif: bool,
}

/// Strokes of a letter: pairs of digits, x in 0…4, y in 0…8 with the base line at 2 and capitals up to 8.
fn strokes(letter: char) -> &'static str {
    match letter {
        'A' => "022842 0535",
        'B' => "02082837363505 3536443212",
        'C' => "47281706040332224344",
        'D' => "0208284644332202",
        'E' => "48080242 0535",
        'F' => "480802 0535",
        'G' => "472817060403223243 434525",
        'H' => "0802 4842 0545",
        'I' => "2822",
        'J' => "38331222030",
        'K' => "0802 4805 0542",
        'L' => "080242",
        'M' => "0208254842",
        'N' => "02084248",
        'O' => "28170604031222334446473828",
        'P' => "02083847463505",
        'Q' => "28170604031222334446473828 2442",
        'R' => "02083847463505 2542",
        'S' => "473818070615354433221203",
        'T' => "0848 2822",
        'U' => "080312324348",
        'V' => "082248",
        'W' => "0812253248",
        'X' => "0842 4802",
        'Y' => "0825 4825 2522",
        'Z' => "08480242",
        'a' => "3632 363616050312233",
        'b' => "0802 062636453312",
        'c' => "3626160503122232",
        'd' => "3832 362616050312233",
        'e' => "0434352616050312232",
        'f' => "382817 1712 0626",
        'g' => "3630 2010 362616050312233",
        'h' => "0802 061626353432",
        'i' => "1612 1817",
        'j' => "262110 2827",
        'k' => "0802 3603 1432",
        'l' => "1812",
        'm' => "0602 0616252226 263645 4542",
        'n' => "0602 061626353432",
        'o' => "1605031222333536 3616",
        'p' => "0600 062636353322 2202",
        'q' => "3630 362616050312233",
        'r' => "0602 05162636",
        's' => "3616051424333212 1202",
        't' => "1813122232 0626",
        'u' => "060312223336 3632",
        'v' => "062236",
        'w' => "0612243246",
        'x' => "0632 3602",
        'y' => "0613 362010",
        'z' => "06360232",
        '0' => "28170604031222334446473828",
        '1' => "172822",
        '2' => "0718384736020242",
        '3' => "07183847363525 35443322120",
        '4' => "38044434 3832",
        '5' => "4808053545 44332202",
        '6' => "382816040312324344351505",
        '7' => "084822",
        '8' => "1807061535444332120304153546473818",
        '9' => "4535151607183847433212",
        '&' => "4206273827150412324",
        '-' => "1535",
        '%' => "4802 0807 4342",
        '.' => "2222",
        '!' => "2824 2222",
        '+' => "0545 2723",
        _ => "",
    }
}

/// How wide a text becomes at a height of capitals, pixels.
pub(crate) fn width(text: &str, height: f32, pen: &Pen) -> f32 {
    text.chars().map(|c| extent(c, pen)[1]).sum::<f32>() * height / 6.0 * pen.stretch
}

/// Left edge of a letter's strokes in its cell, and how far the next letter begins after it.
fn extent(letter: char, pen: &Pen) -> [f32; 2] {
    let xs = || strokes(letter).split(' ').flat_map(points).map(|p| p[0]);
    let (left, right) = (xs().fold(f32::MAX, f32::min), xs().fold(f32::MIN, f32::max));
    if left > right { [0.0, 2.6] } else { [left, right - left + 1.1 + 7.0 * pen.weight] }
}

/// Draws a text with its left end at `x` and its base line at `y`; capitals are `height` high.
pub(crate) fn write(canvas: &mut Canvas, text: &str, x: f32, y: f32, height: f32, pen: &Pen, colour: Rgb) {
    let (sx, sy) = (height / 6.0 * pen.stretch, height / 6.0);
    let half = 0.5 * (pen.weight * height).max(0.9);
    let mut left = x;
    for letter in text.chars() {
        let [start, next] = extent(letter, pen);
        for stroke in strokes(letter).split(' ').filter(|s| s.len() > 1) {
            let points = points(stroke)
                .map(|[px, py]| {
                    let up = (py - 2.0) * sy;
                    [left + (px - start + 0.4 + 3.0 * pen.weight) * sx + pen.slant * up, y - up]
                })
                .collect::<Vec<_>>();
            let points = if pen.round { rounded(&points) } else { points };
            draw(canvas, &points, half, colour);
            if pen.serif && points.len() == 2 {
                for p in &points {
                    let reach = half + 0.09 * height;
                    draw(canvas, &[[p[0] - reach, p[1]], [p[0] + reach, p[1]]], 0.5 * half.max(0.9), colour);
                }
            }
        }
        left += next * sx;
    }
}

/// As [`write`], centred on `x`.
pub(crate) fn write_centred(canvas: &mut Canvas, text: &str, x: f32, y: f32, height: f32, pen: &Pen, colour: Rgb) {
    write(canvas, text, x - 0.5 * width(text, height, pen), y, height, pen, colour);
}

fn points(stroke: &str) -> impl Iterator<Item = [f32; 2]> + '_ {
    stroke.as_bytes().chunks_exact(2).map(|pair| [f32::from(pair[0] - b'0'), f32::from(pair[1] - b'0')])
}

/// Cuts the corners of a line twice (Chaikin).
fn rounded(points: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let mut line = points.to_vec();
    for _ in 0..2 {
        if line.len() < 3 {
            return line;
        }
        let mut next = vec![line[0]];
        for pair in line.windows(2) {
            let at = |share: f32| [0, 1].map(|k| pair[0][k] + (pair[1][k] - pair[0][k]) * share);
            next.extend([at(0.25), at(0.75)]);
        }
        next.push(line[line.len() - 1]);
        line = next;
    }
    line
}

fn draw(canvas: &mut Canvas, points: &[[f32; 2]], half: f32, colour: Rgb) {
    if points.is_empty() {
        return;
    }
    let mut area = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    for p in points {
        area = [area[0].min(p[0] - half), area[1].min(p[1] - half), area[2].max(p[0] + half), area[3].max(p[1] + half)];
    }
    let distance = |x: f32, y: f32| {
        let one = segment_distance([x, y], points[0], points[0]);
        points.windows(2).map(|p| segment_distance([x, y], p[0], p[1])).fold(one, f32::min) - half
    };
    canvas.paint(area, distance, |_, _| (colour, 1.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_and_digit_has_strokes_inside_its_cell() {
        for letter in ('A'..='Z').chain('a'..='z').chain('0'..='9') {
            let all: Vec<_> = strokes(letter).split(' ').flat_map(points).collect();
            assert!(all.len() >= 2, "{letter}");
            for [x, y] in all {
                assert!((0.0..=4.0).contains(&x) && (0.0..=8.0).contains(&y), "{letter}: {x} {y}");
            }
        }
    }
}
