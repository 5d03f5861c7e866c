//! Letters read back by somebody else's parser.
