//! Wrappers around cameras that are cameras and fail on demand, in simulation and on the bench.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Camera, CameraError, RgbdImage, Span, Timestamp};

use crate::faults::{Leaky, Switch};

impl<C: Camera> Camera for Leaky<C> {
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
        self.device.trigger(now)
    }
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        let image = self.device.fetch(now)?;
        if image.is_some() && self.loses() { Ok(None) } else { Ok(image) }
    }
}

/// Images come later than the camera gives them.
pub struct LateImages<C> {
    camera: C,
    by: Span,
    jitter: Span,
    rng: ChaCha8Rng,
    switch: Option<Switch>,
    waiting: Option<(Timestamp, RgbdImage)>,
}

impl<C> LateImages<C> {
    /// Later by `by` and up to `jitter` more, drawn an image; the same for the same seed.
    pub fn new(camera: C, by: Span, jitter: Span, seed: u64) -> Self {
        Self { camera, by, jitter, rng: ChaCha8Rng::seed_from_u64(seed), switch: None, waiting: None }
    }
    /// Only images that the camera gives while `switch` says so; all without one.
    #[must_use]
    pub fn switched(mut self, switch: Switch) -> Self {
        self.switch = Some(switch);
        self
    }
}

impl<C: Camera> Camera for LateImages<C> {
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
        self.waiting = None;
        self.camera.trigger(now)
    }
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        if let Some(image) = self.camera.fetch(now)? {
            let late = self.switch.as_mut().is_none_or(|on| on());
            let jitter = Span::from_seconds(self.jitter.seconds() * self.rng.random::<f64>());
            let due = if late { now + self.by + jitter } else { now };
            self.waiting = Some((due, image));
        }
        Ok(self.waiting.take_if(|(due, _)| *due <= now).map(|(_, image)| image))
    }
}

/// A camera that gives the same picture again and again while `switch` says so, with fresh times.
pub struct Frozen<C> {
    camera: C,
    switch: Switch,
    last: Option<RgbdImage>,
}

impl<C> Frozen<C> {
    /// Freezes with the newest picture that the camera gave; with the first one where it has given none.
    pub fn new(camera: C, switch: Switch) -> Self {
        Self { camera, switch, last: None }
    }
}

impl<C: Camera> Camera for Frozen<C> {
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
        self.camera.trigger(now)
    }
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        let Some(image) = self.camera.fetch(now)? else { return Ok(None) };
        match &self.last {
            Some(last) if (self.switch)() => Ok(Some(RgbdImage { taken_at: image.taken_at, ..last.clone() })),
            _ => {
                self.last = Some(image.clone());
                Ok(Some(image))
            }
        }
    }
}

/// A camera whose pictures are black and without depth while `switch` says so: no light, a covered lens.
pub struct Black<C> {
    camera: C,
    switch: Switch,
}

impl<C> Black<C> {
    /// A camera that sees as long as `switch` says no.
    pub fn new(camera: C, switch: Switch) -> Self {
        Self { camera, switch }
    }
}

impl<C: Camera> Camera for Black<C> {
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
        self.camera.trigger(now)
    }
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        let mut image = self.camera.fetch(now)?;
        if let Some(image) = &mut image
            && (self.switch)()
        {
            image.rgb.fill(0);
            image.depth_m.fill(f32::NAN);
        }
        Ok(image)
    }
}

/// A camera that does not answer while `switch` says so.
pub struct Silent<C> {
    camera: C,
    name: String,
    switch: Switch,
}

impl<C> Silent<C> {
    /// A camera that is called `name` in the error.
    pub fn new(camera: C, name: &str, switch: Switch) -> Self {
        Self { camera, name: name.to_owned(), switch }
    }
    fn there(&mut self) -> Result<&mut C, CameraError> {
        if (self.switch)() { Err(CameraError::Silent { camera: self.name.clone() }) } else { Ok(&mut self.camera) }
    }
}

impl<C: Camera> Camera for Silent<C> {
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
        self.there()?.trigger(now)
    }
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        self.there()?.fetch(now)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use scene::{Intrinsics, Pose};

    use super::*;

    /// A camera of one pixel that shows how many pictures it has taken.
    #[derive(Default)]
    struct Counter {
        taken: u8,
        asked: Option<Timestamp>,
    }

    impl Camera for Counter {
        fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
            self.taken += 1;
            self.asked = Some(now);
            Ok(())
        }
        fn fetch(&mut self, _now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
            Ok(self.asked.take().map(|taken_at| RgbdImage {
                taken_at,
                intrinsics: Intrinsics { width: 1, height: 1, fx: 1.0, fy: 1.0, cx: 0.0, cy: 0.0 },
                world_from_camera: Pose::identity(),
                rgb: vec![self.taken; 3],
                depth_m: vec![1.0],
            }))
        }
    }

    fn ms(n: u64) -> Timestamp {
        Timestamp::from_nanos(n * 1_000_000)
    }

    /// What a camera gives at each of these milliseconds when it is asked then, the fault being on from 10 to 19 ms.
    fn check<C: Camera>(wrap: impl FnOnce(Counter, Switch) -> C, expected: [Option<(u8, bool)>; 3]) {
        let on = Rc::new(Cell::new(false));
        let inner = Rc::clone(&on);
        let mut camera = wrap(Counter::default(), Box::new(move || inner.get()));
        let found = [1, 11, 21].map(|at| {
            on.set((10..20).contains(&at));
            camera.trigger(ms(at)).ok()?;
            let image = camera.fetch(ms(at)).ok()??;
            assert_eq!(image.taken_at, ms(at));
            Some((image.rgb[0], image.depth_m[0].is_finite()))
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn each_fault_shows_while_it_is_on_and_not_before_or_after() {
        check(Frozen::new, [Some((1, true)), Some((1, true)), Some((3, true))]);
        check(Black::new, [Some((1, true)), Some((0, false)), Some((3, true))]);
        check(|c, on| Silent::new(c, "x", on), [Some((1, true)), None, Some((2, true))]);
        check(|c, on| Leaky::new(c, 1.0, 1).switched(on), [Some((1, true)), None, Some((3, true))]);
        let by = Span::from_millis(5);
        check(
            |c, on| LateImages::new(c, by, Span::from_nanos(0), 1).switched(on),
            [Some((1, true)), None, Some((3, true))],
        );
    }

    #[test]
    fn a_late_image_comes_once_when_it_is_due_and_shows_when_it_was_taken() {
        let mut camera = LateImages::new(Counter::default(), Span::from_millis(5), Span::from_nanos(0), 1);
        camera.trigger(ms(1)).unwrap();
        let came: Vec<u64> =
            (1..20).filter(|&at| camera.fetch(ms(at)).unwrap().is_some_and(|i| i.taken_at == ms(1))).collect();
        assert_eq!(came, [6]);
    }
}
