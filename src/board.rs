//! The gripper's firmware as an image on an emulated board, for a run or a bench.

use std::path::PathBuf;

use control::{Emulator, EmulatorError};

use crate::bringup::{BringupError, home};
use crate::clock::{Stopwatch, sleep_s};

/// Where `make firmware` leaves the image, from the repository.
pub const IMAGE: &str = "firmware/boards/target/images/mps2-an386";
/// The image begins some ten milliseconds after its power comes; a loaded machine takes longer.
const PATIENCE_S: f64 = 20.0;
/// How often it is looked for, seconds.
const LOOK_S: f64 = 0.002;

/// Why no board runs.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The repository is not found.
    #[error(transparent)]
    Home(#[from] BringupError),
    /// The emulator.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// The image does not begin.
    #[error("{} did not begin within {PATIENCE_S:.0} s", image.display())]
    Silent {
        /// The image.
        image: PathBuf,
    },
}

/// Starts a board and waits until its image has begun.
///
/// # Errors
/// [`BoardError`]; nothing runs then.
pub fn start() -> Result<Emulator, BoardError> {
    let image = home()?.join(IMAGE);
    let mut board = Emulator::start(&image, |_| ())?;
    let since = Stopwatch::start();
    while !board.has_begun()? {
        if since.seconds() > PATIENCE_S {
            return Err(BoardError::Silent { image });
        }
        sleep_s(LOOK_S);
    }
    Ok(board)
}
