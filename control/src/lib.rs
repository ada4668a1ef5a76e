//! Motion, the 1 kHz tick, device traits.
