//! The allowed values of a field of the contract, and whether it has an effect here.

use crate::fields::Fields;

/// Whether a field has an effect.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Honoured,
    /// It is reported as ignored, with this reason.
    Ignored(&'static str),
    /// These words have an effect here; any other is reported as ignored.
    Only(&'static [&'static str], &'static str),
}

/// The allowed values of a field.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Its type in the request reads and checks it.
    Typed,
    /// Its type in the request checks that it is an object; these are its members, and a check across several of them.
    Inside(&'static [Member], fn(&mut Fields<'_>)),
    Object(&'static [Member]),
    /// An object, and a check across several of its members.
    ObjectWhere(&'static [Member], fn(&mut Fields<'_>)),
    Objects(&'static [Member], fn(&mut Fields<'_>)),
    /// A list of objects with these members.
    Every(&'static [Member]),
    AnyObject,
    /// The contract does not specify it.
    Anything,
    Text,
    /// Text of at most this many characters, possibly empty.
    TextUpTo(usize),
    /// A list of texts.
    Texts,
    /// A number in this range, whole or not.
    Between(f64, f64),
    /// A whole number in this range.
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
    /// Names, each with a text or null as its value.
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
