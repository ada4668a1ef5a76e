//! How to hold an item and where to put it.
