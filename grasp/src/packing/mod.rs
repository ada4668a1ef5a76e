//! Packing on a grid of cells: the published streams, a constructive policy, a search with rollouts, four plain
//! heuristics, and a checker that shares nothing with them.

mod checker;
mod grid;
mod plain;
mod policy;
mod quick;
mod search;
mod stack;
mod stream;
mod tuned;
pub mod value;

pub use checker::{Fault, check};
pub use grid::{Grid, Rule, SIDE, Size};
pub use plain::{Heuristic, Plain};
pub use policy::{Placed, Policy, Turns};
pub use search::Search;
pub use stack::stands;
pub use stream::{Draws, Set, Types};
pub use value::Value;
