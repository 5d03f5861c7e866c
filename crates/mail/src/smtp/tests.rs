//! The client against a server that fails where it is told to.
