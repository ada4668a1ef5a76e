//! The simulated cell: items, physics, vacuum, cameras.
