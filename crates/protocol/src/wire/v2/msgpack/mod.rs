//! The compact encoding: the same messages, with integers for names and positions for fields.
//!
//! A struct is an array of its fields in their order, an absent field is `nil`, and absent fields at the
//! end are left out. A name of a closed set is its place in the set. What JSON writes as text because
//! it has no better way is bytes or an integer here. The application's data is translated.

mod token;
mod translate;
mod value;
mod writer;

pub(super) use translate::pack;
pub(super) use value::Packed;
pub(super) use writer::Writer;
