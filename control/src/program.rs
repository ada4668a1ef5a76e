//! A motion as it will run: joint angles a millisecond apart, in named segments.

use scene::Span;
use serde::{Deserialize, Serialize};

use crate::JointAngles;
use crate::spline::Spline;

/// Time between two samples, nanoseconds.
pub const SAMPLE_NANOS: u64 = 1_000_000;
/// Time between two samples, seconds.
pub(crate) const SAMPLE_S: f64 = 1e-3;

/// What a part of a motion is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentKind {
    /// Up and out of a container, empty.
    Retreat,
    /// To the stand-off before something, empty.
    Reach,
    /// Straight to the face; ends at contact.
    Approach,
    /// Straight up with what is held.
    Lift,
    /// Over the walls with what is held.
    Carry,
    /// Down into the bin; ends at contact.
    Lower,
}

impl core::fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Retreat => "retreat",
            Self::Reach => "reach",
            Self::Approach => "approach",
            Self::Lift => "lift",
            Self::Carry => "carry",
            Self::Lower => "lower",
        })
    }
}

/// A named part of a [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// What it is for.
    pub kind: SegmentKind,
    /// Index of its first sample.
    pub first: usize,
    /// Index of its last sample; the next segment's first.
    pub last: usize,
    /// From this sample on contact ends the motion; `None` where contact means nothing.
    pub guarded_from: Option<usize>,
    /// From this sample on it goes at the even speed of touch, and nothing of what came before is felt any more; `None`
    /// where there is no such part.
    pub slow_from: Option<usize>,
}

impl Segment {
    /// How long it takes.
    #[must_use]
    pub fn duration(&self) -> Span {
        Span::from_nanos((self.last - self.first) as u64 * SAMPLE_NANOS)
    }
}

/// A checked motion: within the limits of the joints, free of collisions, at rest at both ends.
/// What was checked is what runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    samples: Vec<JointAngles>,
    segments: Vec<Segment>,
    /// Upward acceleration of the tool at each sample, m/s².
    rise: Vec<f32>,
    /// What the planner drew the samples from, to draw others like them.
    form: Option<Form>,
}

/// The form of a motion before its slow end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    pub(crate) spline: Spline,
    /// Height of the way over, as the search knows it.
    pub(crate) height: Option<f64>,
}

impl Program {
    /// Takes samples, segments and the tool's upward acceleration that the planner has checked: at
    /// least one sample, as many accelerations, segments that follow on each other.
    pub(crate) fn new(samples: Vec<JointAngles>, segments: Vec<Segment>, rise: Vec<f32>) -> Self {
        debug_assert!(!samples.is_empty() && samples.len() == rise.len());
        Self { samples, segments, rise, form: None }
    }

    /// The same with the form that it was drawn from.
    pub(crate) fn with_form(self, form: Form) -> Self {
        Self { form: Some(form), ..self }
    }

    pub(crate) fn form(&self) -> Option<&Form> {
        self.form.as_ref()
    }

    /// Joint angles, one a millisecond, from the start to the end at rest.
    #[must_use]
    pub fn samples(&self) -> &[JointAngles] {
        &self.samples
    }

    /// The parts, in order; each begins at the sample where the one before ends.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Upward acceleration of the tool at a sample, m/s²: what a load cell feels beside gravity.
    /// Beyond the end it is zero.
    #[must_use]
    pub fn upward_acceleration(&self, index: usize) -> f64 {
        self.rise.get(index).map_or(0.0, |&a| f64::from(a))
    }

    /// How long it takes, if nothing ends it earlier.
    #[must_use]
    pub fn duration(&self) -> Span {
        Span::from_nanos((self.samples.len() - 1) as u64 * SAMPLE_NANOS)
    }

    /// Where it begins.
    #[must_use]
    pub fn start(&self) -> JointAngles {
        self.samples[0]
    }

    /// Where it ends, if nothing ends it earlier.
    #[must_use]
    pub fn end(&self) -> JointAngles {
        self.samples[self.samples.len() - 1]
    }

    /// The segment that sample `index` lies in; at a border the later one.
    #[must_use]
    pub fn segment_at(&self, index: usize) -> Option<&Segment> {
        self.segments.iter().rev().find(|s| s.first <= index).or(self.segments.first())
    }

    /// How long segments of `kind` take together.
    #[must_use]
    pub fn duration_of(&self, kind: SegmentKind) -> Span {
        Span::from_nanos(self.segments.iter().filter(|s| s.kind == kind).map(|s| s.duration().nanos()).sum())
    }
}
