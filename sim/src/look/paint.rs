//! A small painter: anti-aliased shapes, patterns and noise on a colour picture.

/// A colour: red, green, blue in sRGB, 0…1.
pub(crate) type Rgb = [f32; 3];

/// A picture that is being painted. Coordinates are pixels from the top left; pixel (0, 0) covers 0…1.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<Rgb>,
}

/// A rectangle by its left, top, right and bottom, pixels.
pub(crate) type Area = [f32; 4];

/// A colour between two, `share` of the second.
pub(crate) fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share]
}

/// The colour lit by `by`: below 1 darker, above 1 nearer to white.
pub(crate) fn lit(colour: Rgb, by: f32) -> Rgb {
    if by <= 1.0 { colour.map(|v| v * by.max(0.0)) } else { mix(colour, [1.0; 3], (by - 1.0).min(1.0)) }
}

/// Hue in turns, saturation and value 0…1.
pub(crate) fn hsv(hue: f32, saturation: f32, value: f32) -> Rgb {
    [5.0f32, 3.0, 1.0].map(|n| {
        let k = (n + hue.rem_euclid(1.0) * 6.0) % 6.0;
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

/// How bright a colour looks, 0…1.
pub(crate) fn luma(colour: Rgb) -> f32 {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
}

/// A number in 0…1 that two whole numbers and a seed always give (a mixing of bits as in `MurmurHash3`'s end).
pub(crate) fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h =
        (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77) ^ seed.wrapping_mul(0xC2B2_AE3D);
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^= h >> 16;
    (h >> 8) as f32 / 16_777_216.0
}

/// Smooth noise in 0…1 with features of size 1.
#[inline]
pub(crate) fn noise(x: f32, y: f32, seed: u32) -> f32 {
    noise_slope(x, y, seed)[0]
}

/// [`noise`], and how it changes along x and y.
#[inline]
pub(crate) fn noise_slope(x: f32, y: f32, seed: u32) -> [f32; 3] {
    // Floor without a call into the maths library.
    let floor = |v: f32| v as i32 - i32::from(v < 0.0);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (i, j) = (floor(x), floor(y));
    let (tx, ty) = (x - i as f32, y - j as f32);
    let (fx, fy) = (ease(tx), ease(ty));
    let at = |dx: i32, dy: i32| hash(i.wrapping_add(dx), j.wrapping_add(dy), seed);
    let (first, second) = (at(0, 0), at(0, 1));
    let (along, along_below) = (at(1, 0) - first, at(1, 1) - second);
    let top = first + along * fx;
    let bottom = second + along_below * fx;
    let dx = (along + (along_below - along) * fy) * 6.0 * tx * (1.0 - tx);
    [top + (bottom - top) * fy, dx, (bottom - top) * 6.0 * ty * (1.0 - ty)]
}

/// Noise of several sizes on each other, 0…1.
pub(crate) fn clouds(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut scale) = (0.0, 1.0, 0.0, 1.0);
    for octave in 0..octaves {
        sum += weight * noise(x * scale, y * scale, seed.wrapping_add(octave));
        total += weight;
        weight *= 0.5;
        scale *= 2.03;
    }
    sum / total
}

impl Canvas {
    pub fn new(width: usize, height: usize, colour: Rgb) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, rgb: vec![colour; width * height] }
    }

    pub fn w(&self) -> f32 {
        self.width as f32
    }

    pub fn h(&self) -> f32 {
        self.height as f32
    }

    /// The whole of it.
    pub fn all(&self) -> Area {
        [0.0, 0.0, self.w(), self.h()]
    }

    /// Paints inside a signed distance (negative inside, pixels), within `area`, each pixel with `ink`.
    pub fn paint(&mut self, area: Area, distance: impl Fn(f32, f32) -> f32, ink: impl Fn(f32, f32) -> (Rgb, f32)) {
        let clip = |v: f32, most: usize| v.clamp(0.0, most as f32) as usize;
        let (x0, x1) = (clip((area[0] - 1.0).floor(), self.width), clip((area[2] + 1.0).ceil(), self.width));
        let (y0, y1) = (clip((area[1] - 1.0).floor(), self.height), clip((area[3] + 1.0).ceil(), self.height));
        for y in y0..y1 {
            for x in x0..x1 {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let cover = 0.5 - distance(px, py);
                if cover > 0.0 {
                    let (colour, alpha) = ink(px, py);
                    let pixel = &mut self.rgb[y * self.width + x];
                    *pixel = mix(*pixel, colour, cover.min(1.0) * alpha);
                }
            }
        }
    }

    pub fn rect(&mut self, area: Area, colour: Rgb) {
        self.round_rect(area, 0.0, colour);
    }

    pub fn round_rect(&mut self, area: Area, radius: f32, colour: Rgb) {
        self.paint(area, box_distance(area, radius), |_, _| (colour, 1.0));
    }

    /// The rim of a rectangle, `width` wide, inside it.
    pub fn frame(&mut self, area: Area, radius: f32, width: f32, colour: Rgb) {
        let outer = box_distance(area, radius);
        self.paint(
            area,
            |x, y| {
                let d = outer(x, y);
                d.max(-d - width)
            },
            |_, _| (colour, 1.0),
        );
    }

    pub fn ellipse(&mut self, centre: [f32; 2], radii: [f32; 2], colour: Rgb) {
        let area = around(centre, radii);
        self.paint(area, ellipse_distance(centre, radii), |_, _| (colour, 1.0));
    }

    /// A ball lit from the upper left.
    pub fn ball(&mut self, centre: [f32; 2], radius: f32, colour: Rgb) {
        self.paint(around(centre, [radius; 2]), ellipse_distance(centre, [radius; 2]), |x, y| {
            let (dx, dy) = ((x - centre[0]) / radius, (y - centre[1]) / radius);
            let light = 1.0 - 0.55 * ((dx + 0.35).powi(2) + (dy + 0.4).powi(2)).sqrt().min(1.3);
            let glint = (1.0 - 6.0 * ((dx + 0.38).powi(2) + (dy + 0.42).powi(2))).max(0.0);
            (mix(lit(colour, 0.45 + 0.6 * light), [1.0; 3], 0.75 * glint), 1.0)
        });
    }

    /// A stroke with round ends.
    pub fn line(&mut self, from: [f32; 2], to: [f32; 2], width: f32, colour: Rgb) {
        let r = 0.5 * width;
        let area = [from[0].min(to[0]) - r, from[1].min(to[1]) - r, from[0].max(to[0]) + r, from[1].max(to[1]) + r];
        self.paint(area, |x, y| segment_distance([x, y], from, to) - r, |_, _| (colour, 1.0));
    }

    /// A polygon without holes, filled; it may be concave.
    pub fn polygon(&mut self, corners: &[[f32; 2]], colour: Rgb) {
        let area = corners.iter().fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |a, p| {
            [a[0].min(p[0]), a[1].min(p[1]), a[2].max(p[0]), a[3].max(p[1])]
        });
        self.paint(area, |x, y| polygon_distance([x, y], corners), |_, _| (colour, 1.0));
    }

    /// A gradient over the whole picture along `angle` (radians, 0 to the right).
    pub fn gradient(&mut self, area: Area, angle: f32, from: Rgb, to: Rgb) {
        let (sin, cos) = angle.sin_cos();
        let (cx, cy) = (0.5 * (area[0] + area[2]), 0.5 * (area[1] + area[3]));
        let reach = 0.5 * ((area[2] - area[0]) * cos.abs() + (area[3] - area[1]) * sin.abs()).max(1.0);
        self.paint(area, box_distance(area, 0.0), |x, y| {
            let along = ((x - cx) * cos + (y - cy) * sin) / reach;
            (mix(from, to, (0.5 + 0.5 * along).clamp(0.0, 1.0)), 1.0)
        });
    }

    /// Soft light from a centre outwards.
    pub fn glow(&mut self, area: Area, centre: [f32; 2], radius: f32, colour: Rgb, alpha: f32) {
        self.paint(area, box_distance(area, 0.0), |x, y| {
            let d = ((x - centre[0]).hypot(y - centre[1]) / radius.max(1.0)).min(1.0);
            (colour, alpha * (1.0 - d) * (1.0 - d))
        });
    }

    /// Copies `other` with its top left at (x, y), turned by a quarter clockwise when asked; what lies
    /// outside is left away.
    pub fn stamp(&mut self, other: &Self, x: usize, y: usize, turned: bool) {
        let (w, h) = if turned { (other.height, other.width) } else { (other.width, other.height) };
        for j in 0..h.min(self.height.saturating_sub(y)) {
            for i in 0..w.min(self.width.saturating_sub(x)) {
                // Turned: the picture's right runs down, its top lies at the right.
                let (s, t) = if turned { (j, other.height - 1 - i) } else { (i, j) };
                self.rgb[(y + j) * self.width + x + i] = other.rgb[t * other.width + s];
            }
        }
    }

    /// As bytes. Colours are held to 64 steps, which print can't show but files feel.
    pub fn to_bytes(&self) -> Vec<u8> {
        let byte = |v: f32| {
            let fine = (v.clamp(0.0, 1.0) * 255.0).round() as u32;
            ((fine >> 2) * 255 / 63) as u8
        };
        self.rgb.iter().flat_map(|p| p.map(byte)).collect()
    }
}

/// The rectangle around an ellipse.
pub(crate) fn around(centre: [f32; 2], radii: [f32; 2]) -> Area {
    [centre[0] - radii[0], centre[1] - radii[1], centre[0] + radii[0], centre[1] + radii[1]]
}

pub(crate) fn box_distance(area: Area, radius: f32) -> impl Fn(f32, f32) -> f32 {
    let (cx, cy) = (0.5 * (area[0] + area[2]), 0.5 * (area[1] + area[3]));
    let (hx, hy) = (0.5 * (area[2] - area[0]) - radius, 0.5 * (area[3] - area[1]) - radius);
    move |x, y| {
        let (dx, dy) = ((x - cx).abs() - hx, (y - cy).abs() - hy);
        dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - radius
    }
}

pub(crate) fn ellipse_distance(centre: [f32; 2], radii: [f32; 2]) -> impl Fn(f32, f32) -> f32 {
    move |x, y| {
        let (dx, dy) = ((x - centre[0]) / radii[0], (y - centre[1]) / radii[1]);
        let d = dx.hypot(dy);
        (d - 1.0) * radii[0].min(radii[1])
    }
}

pub(crate) fn segment_distance(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (p[0] - a[0] - t * dx).hypot(p[1] - a[1] - t * dy)
}

fn polygon_distance(p: [f32; 2], corners: &[[f32; 2]]) -> f32 {
    let (mut nearest, mut inside) = (f32::MAX, false);
    let mut b = corners[corners.len() - 1];
    for &a in corners {
        nearest = nearest.min(segment_distance(p, a, b));
        if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0] {
            inside = !inside;
        }
        b = a;
    }
    if inside { -nearest } else { nearest }
}
