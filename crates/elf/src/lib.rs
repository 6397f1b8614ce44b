//! Which libraries a program loads, and from where, by the loader's rules.
