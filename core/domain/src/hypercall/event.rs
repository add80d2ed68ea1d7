//! `event_channel_op`, and event channels' view of a domain.

use alloc::sync::Arc;
use core::ops::Deref;
use core::sync::atomic::Ordering;

use fx_events as ev;
use fx_frames::FrameType;
use fx_pagetables::{get_typed, put_typed};
use fx_types::{DomId, Errno, GuestVirtExt, Maddr, Mfn, Result};
use xen_abi::event_channel as e;
use xen_abi::xen::DOMID_SELF;

use super::{Answer, Args};
use crate::domain::Domain;
use crate::host::{Host, VcpuRef};
use crate::hw::Hw;
use crate::vcpu::WAIT_POLL;

/// A domain as the event channels see it.
pub struct EventView<'a, H: Hw> {
    host: &'a Host<H>,
    d: Subject<'a>,
}

/// The domain of a view: borrowed from the caller, or looked up and kept alive.
enum Subject<'a> {
    Given(&'a Domain),
    Found(Arc<Domain>),
}

impl Deref for Subject<'_> {
    type Target = Domain;

    #[inline]
    fn deref(&self) -> &Domain {
        match self {
            Self::Given(d) => d,
            Self::Found(d) => d,
        }
    }
}

impl<'a, H: Hw> EventView<'a, H> {
    /// A view of `d`.
    #[inline]
    pub fn new(host: &'a Host<H>, d: &'a Domain) -> Self {
        Self { host, d: Subject::Given(d) }
    }
}

impl<H: Hw> ev::EventHost for EventView<'_, H> {
    type Mem = H;

    #[inline]
    fn mem(&self) -> &H {
        &self.host.hw
    }

    fn id(&self) -> DomId {
        self.d.id
    }

    #[inline]
    fn events(&self) -> &ev::EventChannels {
        &self.d.events
    }

    #[inline]
    fn shared_info(&self) -> Maddr {
        self.d.shared_info()
    }

    #[inline]
    fn vcpu_info(&self, vcpu: u32) -> Option<Maddr> {
        self.d.vcpu(vcpu).map(|v| v.info())
    }

    fn vcpu_count(&self) -> u32 {
        self.d.vcpus.len() as u32
    }

    #[inline]
    fn kick(&self, vcpu: u32) {
        if let Some(v) = self.d.vcpu(vcpu) {
            self.host.kick_vcpu(&self.d, v);
        }
    }

    fn consume(&self, _port: u32, vcpu: u32) {
        // A device model has answered.
        if let Some(v) = self.d.vcpu(vcpu) {
            self.host.kick_runner(&self.d, v);
        }
    }

    #[inline]
    fn poll_wake(&self, port: u32) {
        if self.d.pollers.load(Ordering::SeqCst) == 0 {
            return;
        }
        for v in &self.d.vcpus {
            if v.blocked.load(Ordering::SeqCst) == WAIT_POLL {
                let one = v.poll_port.load(Ordering::Relaxed);
                if one == 0 || one == port {
                    self.host.unblock(&self.d, v);
                }
            }
        }
    }

    #[inline]
    fn with_domain<R>(&self, id: DomId, f: impl FnOnce(Option<&Self>) -> R) -> R {
        if id == self.d.id {
            return f(Some(self));
        }
        match self.host.domain(id) {
            Ok(d) => f(Some(&EventView { host: self.host, d: Subject::Found(d) })),
            Err(_) => f(None),
        }
    }

    fn pirq_bind(&self, pirq: u32, share: bool, port: u32) -> Result {
        self.host.bind_pirq(&self.d, pirq, share, port)
    }

    fn pirq_unbind(&self, pirq: u32, port: u32) {
        self.host.unbind_pirq(&self.d, pirq, port);
    }

    fn pirq_moved(&self, pirq: u32, vcpu: u32) {
        self.host.move_pirq(&self.d, pirq, vcpu);
    }

    fn release_page(&self, mfn: Mfn) {
        put_typed(self.host, mfn);
    }
}

impl<H: Hw> Host<H> {
    /// `event_channel_op(command, argument)`.
    #[inline]
    pub(crate) fn event_channel_op(&self, c: &VcpuRef, args: &mut Args) -> Answer {
        let [command, arg, ..] = *args;
        let view = EventView::new(self, &c.d);
        match command as u32 {
            e::EVTCHNOP_SEND => {
                let s: e::EvtchnSend = self.guest(c).read_val(arg)?;
                ev::send(&view, s.port).map(|()| 0)
            }
            e::EVTCHNOP_UNMASK => {
                let u: e::EvtchnUnmask = self.guest(c).read_val(arg)?;
                ev::unmask(&view, u.port).map(|()| 0)
            }
            op => self.event_channel_setup(c, &view, op, arg),
        }
    }

    fn event_channel_setup(&self, c: &VcpuRef, view: &EventView<'_, H>, op: u32, arg: u64) -> Answer {
        match op {
            e::EVTCHNOP_ALLOC_UNBOUND => {
                let mut a: e::EvtchnAllocUnbound = self.guest(c).read_val(arg)?;
                let d = self.domain_or_self(&c.d, a.dom)?;
                if d.id != c.d.id {
                    self.may_control(c, &d)?;
                }
                let remote = if a.remote_dom == DOMID_SELF { c.d.id } else { DomId(a.remote_dom) };
                a.port = ev::alloc_unbound(&EventView::new(self, &d), remote)?;
                self.guest(c).write_val(arg, &a)?;
            }
            e::EVTCHNOP_BIND_INTERDOMAIN => {
                let mut a: e::EvtchnBindInterdomain = self.guest(c).read_val(arg)?;
                let d = self.domain_or_self(&c.d, a.remote_dom)?;
                a.local_port = ev::bind_interdomain(view, &EventView::new(self, &d), a.remote_port)?;
                self.guest(c).write_val(arg, &a)?;
            }
            e::EVTCHNOP_BIND_VIRQ => {
                let mut a: e::EvtchnBindVirq = self.guest(c).read_val(arg)?;
                if ev::is_global(a.virq) && a.virq < xen_abi::xen::NR_VIRQS && a.vcpu == 0 && !c.d.privileged
                {
                    return Err(Errno::EPERM);
                }
                a.port = ev::bind_virq(view, a.virq, a.vcpu)?;
                self.guest(c).write_val(arg, &a)?;
            }
            e::EVTCHNOP_BIND_IPI => {
                let mut a: e::EvtchnBindIpi = self.guest(c).read_val(arg)?;
                a.port = ev::bind_ipi(view, a.vcpu)?;
                self.guest(c).write_val(arg, &a)?;
            }
            e::EVTCHNOP_BIND_PIRQ => {
                let mut a: e::EvtchnBindPirq = self.guest(c).read_val(arg)?;
                a.port = ev::bind_pirq(view, a.pirq, a.flags & e::BIND_PIRQ_WILL_SHARE != 0)?;
                self.guest(c).write_val(arg, &a)?;
            }
            e::EVTCHNOP_CLOSE => {
                let a: e::EvtchnClose = self.guest(c).read_val(arg)?;
                ev::close(view, a.port)?;
            }
            e::EVTCHNOP_BIND_VCPU => {
                let a: e::EvtchnBindVcpu = self.guest(c).read_val(arg)?;
                ev::bind_vcpu(view, a.port, a.vcpu)?;
            }
            e::EVTCHNOP_STATUS => {
                let mut a: e::EvtchnStatus = self.guest(c).read_val(arg)?;
                let d = self.domain_or_self(&c.d, a.dom)?;
                if d.id != c.d.id {
                    self.may_control(c, &d)?;
                }
                ev::status(&EventView::new(self, &d), a.port)?.store(&mut a);
                self.guest(c).write_val(arg, &a)?;
            }
            _ => return self.event_channel_fifo(c, view, op, arg),
        }
        Ok(0)
    }

    fn event_channel_fifo(&self, c: &VcpuRef, view: &EventView<'_, H>, op: u32, arg: u64) -> Answer {
        match op {
            e::EVTCHNOP_INIT_CONTROL => {
                let mut a: e::EvtchnInitControl = self.guest(c).read_val(arg)?;
                a.link_bits = e::EVTCHN_FIFO_LINK_BITS as u8;
                let mfn = self.frame_of(&c.d, a.control_gfn)?;
                get_typed(self, mfn, c.d.id, FrameType::Writable)?;
                ev::init_control(view, a.vcpu, mfn, a.offset).inspect_err(|_| put_typed(self, mfn))?;
                self.guest(c).write_val(arg, &a)?;
            }
            e::EVTCHNOP_EXPAND_ARRAY => {
                let a: e::EvtchnExpandArray = self.guest(c).read_val(arg)?;
                let mfn = self.frame_of(&c.d, a.array_gfn)?;
                get_typed(self, mfn, c.d.id, FrameType::Writable)?;
                ev::expand_array(view, mfn).inspect_err(|_| put_typed(self, mfn))?;
            }
            e::EVTCHNOP_SET_PRIORITY => {
                let a: e::EvtchnSetPriority = self.guest(c).read_val(arg)?;
                ev::set_priority(view, a.port, a.priority)?;
            }
            e::EVTCHNOP_RESET => {
                let a: e::EvtchnReset = self.guest(c).read_val(arg)?;
                let d = self.domain_or_self(&c.d, a.dom)?;
                if d.id != c.d.id {
                    self.may_control(c, &d)?;
                }
                let mut cursor = d.event_reset.load(Ordering::Relaxed);
                let done = ev::reset(&EventView::new(self, &d), &mut cursor, 1024)?;
                d.event_reset.store(if done { 0 } else { cursor }, Ordering::Relaxed);
                if !done {
                    return Err(Errno::ERESTART);
                }
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(0)
    }

    /// Raises a virq of one vCPU.
    pub fn send_vcpu_virq(&self, d: &Domain, vcpu: u32, virq: u32) {
        ev::send_virq(&EventView::new(self, d), vcpu, virq);
    }

    /// Raises a virq of the machine with whoever handles it.
    pub fn send_global_virq(&self, virq: u32) {
        let handler = self.virq_handlers.lock().get(&virq).copied().unwrap_or(0);
        if let Ok(d) = self.domain(DomId(handler)) {
            self.send_vcpu_virq(&d, 0, virq);
        }
    }
}
