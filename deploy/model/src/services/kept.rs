//! What a service keeps, and what it made of the same fact before.
//!
//! A decision is a function of what is kept, of the fact and of the time, so the same three lead to the same again; and by the ways in
//! which steps of other services come between, they come again and again. What is kept is told apart by 64-bit hashes, as states are.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::Reaction;

/// What a service keeps, with its digest, so that states are compared without reading it.
#[derive(Debug)]
pub struct Kept<S>(Arc<(u64, S)>);

impl<S: Hash> Kept<S> {
    /// Takes over what a service keeps.
    pub fn new(store: S) -> Self {
        Self(Arc::new((digest(&store), store)))
    }

    /// Changes it.
    pub fn change<T>(&mut self, how: impl FnOnce(&mut S) -> T) -> T
    where
        S: Clone,
    {
        let mut store = self.0.1.clone();
        let answer = how(&mut store);
        *self = Self::new(store);
        answer
    }
}

impl<S> Clone for Kept<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Deref for Kept<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0.1
    }
}

impl<S> PartialEq for Kept<S> {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl<S> Eq for Kept<S> {}

impl<S> Hash for Kept<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

/// What a service made of facts, by the digests of what it kept and of the fact.
#[derive(Debug)]
pub struct Memory<S>(Mutex<HashMap<(u64, u64), Made<S>>>);

/// What is kept after a fact, and what became of the fact.
type Made<S> = (Kept<S>, Arc<Reaction>);

impl<S> Default for Memory<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Clone + Hash> Memory<S> {
    /// What the service makes of a fact, which `cause` tells from every other at the same time.
    pub fn react(
        &self,
        store: &mut Kept<S>,
        cause: &impl Hash,
        react: impl FnOnce(&mut S) -> Reaction,
    ) -> Arc<Reaction> {
        let key = (store.0.0, digest(cause));
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let (after, reaction) = known.unwrap_or_else(|| {
            let mut after = store.clone();
            let reaction = Arc::new(after.change(react));
            let made = (after, reaction);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
            made
        });
        *store = after;
        reaction
    }
}

/// A hash of a value, the same in every run.
pub fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
