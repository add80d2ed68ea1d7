//! A machine for the tests: memory, domains, and the guest's side of both ABIs.
#![allow(dead_code)]

pub mod guest;
pub mod mem;

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use fx_events::{EventChannels, EventHost, bind_interdomain, expand_array, init_control};
use fx_sync::Lock;
use fx_types::{DomId, Errno, Maddr, Mfn, Result};

use mem::FakeMem;

pub const VCPUS: u32 = 3;
/// Frames of each domain: 0 shared info, 1.. control blocks, 8.. event array.
const FRAMES: u64 = 16;
const ARRAY: u64 = 8;
/// A physical IRQ that is refused.
pub const BAD_PIRQ: u32 = 99;

pub struct World {
    pub mem: FakeMem,
    pub domains: Vec<Dom>,
}

pub struct Dom {
    id: DomId,
    table: EventChannels,
    world: OnceLock<&'static World>,
    pub kicks: [AtomicU64; VCPUS as usize],
    pub polled: AtomicU64,
    pub pirqs: Lock<BTreeSet<(u32, u32)>>,
    pub released: Lock<Vec<Mfn>>,
    /// Run once, at the domain's next look-up of a peer: what another CPU may do at that point.
    pub on_lookup: Lock<Option<Hook>>,
}

pub type Hook = Box<dyn FnOnce() + Send>;

impl Dom {
    pub fn frame(&self, n: u64) -> Mfn {
        Mfn(u64::from(self.id.0) * FRAMES + n)
    }

    pub fn kicks(&self, vcpu: usize) -> u64 {
        self.kicks[vcpu].load(SeqCst)
    }

    /// Registers all control blocks and `pages` pages of the event array.
    pub fn use_fifo(&self, pages: u64) {
        for v in 0..VCPUS {
            init_control(self, v, self.frame(1 + u64::from(v)), 64).unwrap();
        }
        for p in 0..pages {
            expand_array(self, self.frame(ARRAY + p)).unwrap();
        }
    }

    pub fn control(&self, vcpu: u32) -> Maddr {
        self.frame(1 + u64::from(vcpu)).at(64)
    }

    pub fn word(&self, port: u32) -> Maddr {
        self.frame(ARRAY + u64::from(port / 1024)).at(u64::from(port % 1024) * 4)
    }
}

impl EventHost for Dom {
    type Mem = FakeMem;

    fn mem(&self) -> &FakeMem {
        &self.world.get().unwrap().mem
    }
    fn id(&self) -> DomId {
        self.id
    }
    fn events(&self) -> &EventChannels {
        &self.table
    }
    fn shared_info(&self) -> Maddr {
        self.frame(0).addr()
    }
    fn vcpu_info(&self, vcpu: u32) -> Option<Maddr> {
        Some(self.frame(0).at(u64::from(vcpu) * 64))
    }
    fn vcpu_count(&self) -> u32 {
        VCPUS
    }
    fn kick(&self, vcpu: u32) {
        self.kicks[vcpu as usize].fetch_add(1, SeqCst);
    }
    fn poll_wake(&self, port: u32) {
        self.polled.store(u64::from(port), SeqCst);
    }
    fn with_domain<R>(&self, id: DomId, f: impl FnOnce(Option<&Self>) -> R) -> R {
        let hook = self.on_lookup.lock().take();
        if let Some(hook) = hook {
            hook();
        }
        f(self.world.get().unwrap().domains.get(usize::from(id.0)))
    }
    fn pirq_bind(&self, pirq: u32, _share: bool, port: u32) -> Result {
        if pirq == BAD_PIRQ {
            return Err(Errno::EBUSY);
        }
        self.pirqs.lock().insert((pirq, port));
        Ok(())
    }
    fn pirq_unbind(&self, pirq: u32, port: u32) {
        assert!(self.pirqs.lock().remove(&(pirq, port)));
    }
    fn pirq_moved(&self, _pirq: u32, _vcpu: u32) {}
    fn release_page(&self, mfn: Mfn) {
        self.released.lock().push(mfn);
    }
}

/// `domains` domains with ports up to `max_port`. The world is leaked, so that threads can share it.
pub fn world(domains: u16, max_port: u32) -> &'static World {
    fx_sync::set_relax_hook(std::thread::yield_now);
    let make = |id| Dom {
        id: DomId(id),
        table: EventChannels::new(max_port, VCPUS).unwrap(),
        world: OnceLock::new(),
        kicks: Default::default(),
        polled: AtomicU64::new(0),
        pirqs: Lock::default(),
        released: Lock::default(),
        on_lookup: Lock::default(),
    };
    let mem = FakeMem::new(u64::from(domains) * FRAMES);
    let w: &World = Box::leak(Box::new(World { mem, domains: (0..domains).map(make).collect() }));
    for d in &w.domains {
        assert!(d.world.set(w).is_ok());
    }
    w
}

/// Connects new ports of `a` and `b`.
pub fn connect(a: &Dom, b: &Dom) -> (u32, u32) {
    let p = fx_events::alloc_unbound(a, b.id()).unwrap();
    (p, bind_interdomain(b, a, p).unwrap())
}
