//! What goes wrong: faults, when they strike and what they do.

use alloc::string::String;

use super::fault::{Effect, Fault, When};
use super::node::Part;
use super::sim::{Sim, Stream};
use crate::time::Instant;

impl Sim {
    /// Lets a fault strike; one whose time has passed strikes at once.
    pub fn add_fault(&mut self, fault: Fault) {
        match fault.when {
            When::After(direction, len) => {
                if let Some(stream) = self.streams.get_mut(fault.on) {
                    stream.add_fault(direction.side(), len, fault.effect);
                    let nodes = stream.nodes;
                    nodes.into_iter().for_each(|node| self.hasten(node, self.now));
                } else {
                    self.faults_awaited.push(fault);
                }
            }
            When::At(time) => {
                let at = Instant::from_elapsed(time).max(self.now);
                let place = self.faults.partition_point(|(other, _)| *other > at);
                self.faults.insert(place, (at, fault));
            }
        }
    }

    /// Lets strike what strikes after so many bytes.
    pub(super) fn strike_by_len(&mut self, number: usize) {
        while let Some(effect) = self.streams[number].take_fault() {
            self.strike_stream(number, effect);
        }
    }

    pub(super) fn strike(&mut self, fault: &Fault) {
        if let Effect::Isolate(lasting) = fault.effect {
            let Some(node) = self.endpoints.get(fault.on).copied() else { return };
            let Part::Endpoint(station) = &mut self.slots[node as usize].part else { return };
            station.isolated_until = self.now + lasting;
            self.log.about(node as usize, node as usize, false, self.now);
            self.log.fault(|| fault.effect.name().into());
        } else if fault.on < self.streams.len() {
            self.strike_stream(fault.on, fault.effect);
        }
    }

    fn strike_stream(&mut self, number: usize, effect: Effect) {
        let now = self.now;
        let stream = &mut self.streams[number];
        let [there, back] = stream.nodes.map(|node| node as usize);
        let log = &mut self.log;
        let both = [(there, back), (back, there)];
        let said = || -> String { effect.name().into() };
        let sides: &[usize] = match effect {
            Effect::Cut | Effect::Reset | Effect::Isolate(_) => &[0, 1],
            Effect::CutOneWay(direction) | Effect::End(direction) | Effect::Stall(direction, _) => {
                &[direction.side()]
            }
        };
        for side in sides.iter().copied() {
            let (from, to) = both[side];
            log.about(from, to, stream.is_tls, now);
            log.fault(said);
            let (lane, link) = (&mut stream.lanes[side], &stream.links[side]);
            match effect {
                Effect::Cut | Effect::CutOneWay(_) => {
                    lane.lose(log);
                    lane.is_cut = true;
                }
                Effect::End(_) => lane.end(now, link, log),
                Effect::Reset => {
                    lane.lose(log);
                    lane.is_cut = true;
                    lane.reset_at = Some(now);
                }
                Effect::Stall(_, lasting) => {
                    lane.stalled_until = lane.stalled_until.max(now + lasting);
                }
                Effect::Isolate(_) => {}
            }
        }
        let nodes = stream.nodes;
        nodes.into_iter().for_each(|node| self.hasten(node, now));
    }
}

impl Stream {
    pub(super) fn add_fault(&mut self, side: usize, len: u64, effect: Effect) {
        self.faults.push((side, len, effect));
        self.aim();
    }

    /// Tells the lanes where the next fault strikes.
    fn aim(&mut self) {
        for (side, lane) in self.lanes.iter_mut().enumerate() {
            let lens = self.faults.iter().filter(|fault| fault.0 == side).map(|fault| fault.1);
            lane.fault_at = lens.min().unwrap_or(u64::MAX);
        }
    }

    /// The fault that is to strike, if there is one.
    fn take_fault(&mut self) -> Option<Effect> {
        if self.faults.is_empty() {
            return None;
        }
        let lanes = &self.lanes;
        let place = self.faults.iter().position(|(side, len, _)| lanes[*side].sent_len >= *len)?;
        let (_, _, effect) = self.faults.remove(place);
        self.aim();
        Some(effect)
    }
}
