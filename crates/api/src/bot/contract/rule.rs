//! What may stand in a field of the contract, and whether it has an effect here.

use crate::fields::Fields;

/// Whether a field has an effect.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Honoured,
    /// It is named, and why.
    Ignored(&'static str),
    /// These words have an effect here; any other is reported as ignored.
    Only(&'static [&'static str], &'static str),
}

/// What may stand in a field.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Its type in `request.rs` reads it.
    Typed,
    /// Its type in `request.rs` sees that it is an object; these are its members, and a rule for several of them at once.
    Inside(&'static [Member], fn(&mut Fields<'_>)),
    Object(&'static [Member]),
    /// An object, and a rule for several of its members at once.
    ObjectWhere(&'static [Member], fn(&mut Fields<'_>)),
    Objects(&'static [Member], fn(&mut Fields<'_>)),
    /// A list of objects with these members.
    Every(&'static [Member]),
    AnyObject,
    /// The contract says nothing of it.
    Anything,
    Text,
    /// Text of at most so many characters, or none.
    TextUpTo(usize),
    /// A list of texts.
    Texts,
    /// A number of this range, whole or not.
    Between(f64, f64),
    /// A whole number of this range.
    WholeBetween(u32, u32),
    List,
    /// One of these words; `true`, `false` and numbers count as their words.
    Choice(&'static [&'static str]),
    Word(&'static [&'static str]),
    Words(&'static [&'static str]),
    Flag,
    Whole(u32),
    Url(&'static [&'static str]),
    Uuid,
    /// Names, each with a text or null.
    Labels,
    Sound,
}

/// A field of an object.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    pub(super) effect: Effect,
    pub(super) required: bool,
}

pub(super) const fn honoured(name: &'static str, rule: Rule) -> Member {
    Member { name, rule, effect: Effect::Honoured, required: false }
}

pub(super) const fn ignored(name: &'static str, rule: Rule, why: &'static str) -> Member {
    Member { name, rule, effect: Effect::Ignored(why), required: false }
}

pub(super) const fn only(
    name: &'static str,
    words: &'static [&'static str],
    rule: Rule,
    why: &'static str,
) -> Member {
    Member { name, rule, effect: Effect::Only(words, why), required: false }
}

pub(super) const fn required(member: Member) -> Member {
    Member { required: true, ..member }
}

pub(super) const fn nothing_more(_: &mut Fields<'_>) {}
