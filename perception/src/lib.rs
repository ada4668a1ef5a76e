//! Camera images to identified items.
