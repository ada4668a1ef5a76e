//! Learns what bins are worth for a published set, by packing its sequences: temporal differences over the states after
//! each item (TD(λ), Sutton 1988), Adam (Kingma and Ba 2015), each state in a random one of its eight mirror images.
//!
//! `cargo run --release -p grasp --example learn_packing -- rs none 30 grasp/src/packing/values/rs.bin`
//!
//! Arguments: the set (rs, cut1, cut2, pct1, pct2), the turns (none, yaw, all), minutes, the file to write. Numbers in full
//! precision are kept beside it as FILE.learning, from which the next run goes on.
#![expect(clippy::disallowed_methods, reason = "it is told how long to learn, so it reads the wall's clock")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use grasp::packing::value::{Heights, NARROW, ROWS, UNIT, WIDE, rows};
use grasp::packing::{Draws, Grid, Placed, Policy, Rule, SIDE, Set, Turns, Value, stands};

/// Seed of the sequences that are learnt from: no bench reports it.
const SEED: u64 = 5150;
/// Games from which one step is taken.
const GAMES: u64 = 64;
/// Share of later guesses in what a state should be worth.
const LAMBDA: f32 = 0.6;
/// Length of the steps: it rises over the first 200 and falls over the second half of the time.
const RATE: f64 = 1e-3;
/// Where the layers stand in one list of all numbers.
const BIAS: usize = ROWS * WIDE;
const SECOND: usize = BIAS + WIDE;
const SECOND_BIAS: usize = SECOND + WIDE * NARROW;
const THIRD: usize = SECOND_BIAS + NARROW;
const THIRD_BIAS: usize = THIRD + NARROW;
const NUMBERS: usize = THIRD_BIAS + 1;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [set, turns, minutes, file] = given.as_slice() else {
        return Err("usage: learn_packing rs|cut1|cut2|pct1|pct2 none|yaw|all MINUTES FILE".into());
    };
    let (set, rule) = match set.as_str() {
        "rs" => (Set::Rs, Rule::Corners),
        "cut1" => (Set::Cut1, Rule::Corners),
        "cut2" => (Set::Cut2, Rule::Corners),
        "pct1" => (Set::Pct, Rule::Centre),
        "pct2" => (Set::Pct, Rule::Free),
        other => return Err(format!("the set is {other}; must be rs, cut1, cut2, pct1 or pct2").into()),
    };
    let turns = match turns.as_str() {
        "none" => Turns::None,
        "yaw" => Turns::Yaw,
        "all" => Turns::All,
        other => return Err(format!("the turns are {other}; must be none, yaw or all").into()),
    };
    let (seconds, file) = (60.0 * minutes.parse::<f64>()?, PathBuf::from(file));
    let kept = file.with_extension("learning");
    let mut network = match std::fs::read(&kept) {
        Ok(bytes) => Network::resumed(&bytes)?,
        Err(_) => Network::new(),
    };
    let mut draws = Draws::new(SEED ^ network.games);
    let start = Instant::now();
    let (mut told, mut packed, mut games) = (0.0, 0.0, 0.0);
    loop {
        let at = start.elapsed().as_secs_f64();
        if at - told > 60.0 || at >= seconds {
            told = at;
            println!("{at:6.0} s  {:9} games  {:.4} packed", network.games, packed / f64::max(games, 1.0));
            (packed, games) = (0.0, 0.0);
            std::fs::write(&kept, network.all())?;
            std::fs::write(&file, network.shipped()?)?;
        }
        if at >= seconds {
            return Ok(());
        }
        let policy = Policy::new(set, Value::from_bytes(&network.shipped()?)?);
        let mut lessons = Vec::new();
        for _ in 0..GAMES {
            network.games += 1;
            packed += play(&policy, set, rule, turns, network.games, &mut lessons);
            games += 1.0;
        }
        let part = at / seconds;
        let rate = RATE * (2.0 * (1.0 - part)).clamp(0.02, 1.0) * (f64::from(network.steps + 1) / 200.0).min(1.0);
        network.learn(&lessons, rate as f32, &mut draws);
    }
}

/// Packs one sequence and adds each state with what it should have been worth. Gives the share of the bin that went in.
fn play(policy: &Policy, set: Set, rule: Rule, turns: Turns, game: u64, lessons: &mut Vec<(Heights, f32)>) -> f64 {
    let (mut grid, mut boxes) = (Grid::default(), Vec::<Placed>::new());
    let mut states: Vec<(Heights, f32, f32)> = Vec::new();
    for item in set.sequence(SEED, game) {
        let admits = |p: &Placed| rule != Rule::Centre || stands(&[boxes.as_slice(), &[*p]].concat());
        let Some(placed) = policy.choose(&grid, item, rule, turns, admits) else { break };
        grid.put(&placed);
        boxes.push(placed);
        states.push((grid.heights(), policy.value().of(&grid), placed.volume() as f32 / 1000.0));
    }
    let mut target = 0.0;
    for (n, (heights, _, _)) in states.iter().enumerate().rev() {
        if let Some((_, guess, volume)) = states.get(n + 1) {
            target = volume + (1.0 - LAMBDA) * guess + LAMBDA * target;
        }
        lessons.push((*heights, target));
    }
    states.iter().map(|s| f64::from(s.2)).sum()
}

/// One of the eight mirror images of a square.
fn mirrored(heights: &Heights, which: usize) -> Heights {
    let last = usize::from(SIDE) - 1;
    core::array::from_fn(|y| {
        core::array::from_fn(|x| {
            let (x, y) = if which & 4 == 0 { (x, y) } else { (y, x) };
            let flip = |v: usize, bit: usize| if which & bit == 0 { v } else { last - v };
            heights[flip(y, 2)][flip(x, 1)]
        })
    })
}

/// The numbers as they are learnt.
struct Network {
    games: u64,
    steps: u32,
    numbers: Vec<f32>,
    slope: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Network {
    fn new() -> Self {
        let mut draws = Draws::new(SEED);
        // The sum of three uniform numbers is near enough to a normal one of the same spread.
        let mut around = |spread: f32| {
            let uniform = (0..3).map(|_| draws.below(2001) as f32 / 1000.0 - 1.0).sum::<f32>();
            uniform * spread
        };
        let mut numbers = vec![0.0; NUMBERS];
        numbers[..BIAS].iter_mut().for_each(|v| *v = around(0.03));
        numbers[BIAS..SECOND].fill(0.1);
        numbers[SECOND..SECOND_BIAS].iter_mut().for_each(|v| *v = around(0.15));
        numbers[THIRD..THIRD_BIAS].iter_mut().for_each(|v| *v = around(0.2));
        numbers[THIRD_BIAS] = 0.3;
        let none = || vec![0.0; NUMBERS];
        Self { games: 0, steps: 0, numbers, slope: none(), mean: none(), square: none() }
    }

    fn resumed(bytes: &[u8]) -> Result<Self, Box<dyn Error>> {
        let mut network = Self::new();
        if bytes.len() != 8 + 4 * NUMBERS {
            return Err(format!("what was learnt has {} bytes; must be {}", bytes.len(), 8 + 4 * NUMBERS).into());
        }
        let (games, numbers) = bytes.split_at(8);
        network.games = u64::from_le_bytes(games.try_into()?);
        for (to, from) in network.numbers.iter_mut().zip(numbers.chunks_exact(4)) {
            *to = f32::from_le_bytes(from.try_into()?);
        }
        Ok(network)
    }

    /// Everything that the next run goes on from.
    fn all(&self) -> Vec<u8> {
        self.games.to_le_bytes().into_iter().chain(self.numbers.iter().flat_map(|v| v.to_le_bytes())).collect()
    }

    /// The file that ships.
    fn shipped(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(Value::BYTES);
        for v in &self.numbers[..SECOND] {
            let units = (v * UNIT).round();
            if units.abs() > f32::from(i16::MAX) {
                return Err(format!(
                    "a weight of the first layer is {v}; must be below {}",
                    f32::from(i16::MAX) / UNIT
                ));
            }
            bytes.extend((units as i16).to_le_bytes());
        }
        bytes.extend(self.numbers[SECOND..].iter().flat_map(|v| v.to_le_bytes()));
        Ok(bytes)
    }

    /// One step of Adam down the squared error.
    fn learn(&mut self, lessons: &[(Heights, f32)], rate: f32, draws: &mut Draws) {
        self.slope.fill(0.0);
        for (heights, target) in lessons {
            self.add_slope(&mirrored(heights, draws.below(8)), *target, 1.0 / lessons.len() as f32);
        }
        self.steps += 1;
        let (keep, keep_square) = (0.9_f32, 0.999_f32);
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let (whole, whole_square) = (1.0 - keep.powi(steps), 1.0 - keep_square.powi(steps));
        for (((v, slope), mean), square) in
            self.numbers.iter_mut().zip(&self.slope).zip(&mut self.mean).zip(&mut self.square)
        {
            *mean = keep * *mean + (1.0 - keep) * slope;
            *square = keep_square * *square + (1.0 - keep_square) * slope * slope;
            *v -= rate * (*mean / whole) / ((*square / whole_square).sqrt() + 1e-8);
        }
    }

    /// Adds the slope of one squared error, by the chain rule from the last layer to the first.
    fn add_slope(&mut self, heights: &Heights, target: f32, share: f32) {
        let (v, slope) = (&self.numbers, &mut self.slope);
        let mut first = [0.0; WIDE];
        first.copy_from_slice(&v[BIAS..SECOND]);
        rows(heights, |row| first.iter_mut().zip(&v[row * WIDE..]).for_each(|(s, w)| *s += w));
        let mut second = [0.0; NARROW];
        second.copy_from_slice(&v[SECOND_BIAS..THIRD]);
        for (n, sum) in first.iter().enumerate().filter(|s| *s.1 > 0.0) {
            second.iter_mut().zip(&v[SECOND + n * NARROW..]).for_each(|(s, w)| *s += sum * w);
        }
        let third = &v[THIRD..THIRD_BIAS];
        let value = second.iter().zip(third).fold(v[THIRD_BIAS], |value, (s, w)| value + s.max(0.0) * w);
        let off = (value - target) * share;
        slope[THIRD_BIAS] += off;
        let mut to_second = [0.0; NARROW];
        for n in (0..NARROW).filter(|n| second[*n] > 0.0) {
            slope[THIRD + n] += off * second[n];
            to_second[n] = off * third[n];
            slope[SECOND_BIAS + n] += to_second[n];
        }
        let mut to_first = [0.0; WIDE];
        for (n, sum) in first.iter().enumerate().filter(|s| *s.1 > 0.0) {
            let from = SECOND + n * NARROW;
            slope[from..from + NARROW].iter_mut().zip(&to_second).for_each(|(s, t)| *s += t * sum);
            to_first[n] = v[from..].iter().zip(&to_second).map(|(w, t)| w * t).sum();
            slope[BIAS + n] += to_first[n];
        }
        rows(heights, |row| slope[row * WIDE..(row + 1) * WIDE].iter_mut().zip(&to_first).for_each(|(s, t)| *s += t));
    }
}
