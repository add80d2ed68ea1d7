//! The state of the scheduler for a person (debug key `r`).

use core::fmt::{Result, Write};

use crate::bit;
use crate::runqueue::RunQueue;
use crate::sched::Sched;
use crate::vtime::ahead;

impl<T: Clone> Sched<T> {
    /// Writes the state of every run queue.
    ///
    /// # Errors
    /// That of the writer.
    pub fn dump(&self, out: &mut dyn Write) -> Result {
        writeln!(out, "Scheduler: credit2-class")?;
        for (n, q) in self.queues.iter().enumerate() {
            let rq = q.lock();
            if rq.online != 0 || rq.units.iter().any(Option::is_some) {
                dump_queue(n, &rq, out)?;
            }
        }
        Ok(())
    }
}

fn dump_queue<T>(n: usize, rq: &RunQueue<T>, out: &mut dyn Write) -> Result {
    writeln!(
        out,
        "Runqueue {n}: online {:#x} idle {:#x} kicked {:#x} load {} ready {} parked {}",
        rq.online,
        rq.idle,
        rq.kicked,
        rq.load,
        rq.ready.len(),
        rq.parked.len()
    )?;
    for (c, cpu) in rq.cpus.iter().enumerate().filter(|(c, _)| rq.online & bit(*c) != 0) {
        write!(out, " CPU{:02}: ", rq.first.wrapping_add(c))?;
        match cpu.running.and_then(|i| rq.unit(i)) {
            Some(u) => writeln!(out, "unit {} (d{})", u.id, u.domain.id())?,
            None => writeln!(out, "idle")?,
        }
    }
    for u in rq.units.iter().flatten() {
        writeln!(
            out,
            " unit {} (d{}): {:?} last {} credit {} weight {} cap {} runtime {} ns",
            u.id,
            u.domain.id(),
            u.state,
            u.last as isize,
            ahead(rq.base, u.vt),
            u.domain.weight(),
            u.domain.cap(),
            u.runtime
        )?;
    }
    Ok(())
}
