//! Signatures checked by other people's verifiers.
