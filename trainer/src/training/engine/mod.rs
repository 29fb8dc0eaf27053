//! What carries out a phase's iterations: the processor, or a card.

mod card;
mod interface;
mod pools;
mod processor;
#[cfg(test)]
mod tests;

use anyhow::Result;

pub(super) use interface::{Engine, Feed, Known, Place};
pub(super) use pools::CardPools;

use self::card::Card;
use self::processor::Processor;
use super::checkpoint::Checkpoint;
use super::phase::Phase;
use crate::network::Network;

/// Makes the engine for a phase, in the state of the checkpoint if there is one.
pub(super) fn engine<'a>(
    place: Place,
    phase: &'a Phase,
    network: Network,
    feed: Feed<'a>,
    resumed: Option<&Checkpoint>,
) -> Result<Box<dyn Engine + 'a>> {
    Ok(match (place, feed) {
        (Place::Processor, Feed::Supply(supply)) => {
            Box::new(Processor::new(phase, network, supply, resumed)?)
        }
        (Place::Processor, Feed::Card(_)) => unreachable!("only cards draw batches"),
        (_, feed) => Box::new(Card::new(place, phase, network, feed, resumed)?),
    })
}
