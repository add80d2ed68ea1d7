//! Event channels: `HYPERVISOR_event_channel_op` and the 2-level and FIFO ABIs.
//!
//! Source: public header `event_channel.h`. Ports are domain-local numbers (`evtchn_port_t`, `u32`).

consts! { u32;
    /// Bind to an unbound port of another domain.
    EVTCHNOP_BIND_INTERDOMAIN = 0;
    /// Bind a port to a virtual interrupt.
    EVTCHNOP_BIND_VIRQ = 1;
    /// Bind a port to a physical interrupt.
    EVTCHNOP_BIND_PIRQ = 2;
    /// Close a port.
    EVTCHNOP_CLOSE = 3;
    /// Notify the other end of a port.
    EVTCHNOP_SEND = 4;
    /// Query the state of a port.
    EVTCHNOP_STATUS = 5;
    /// Allocate a port that a remote domain may bind to.
    EVTCHNOP_ALLOC_UNBOUND = 6;
    /// Bind a port to an inter-vCPU interrupt.
    EVTCHNOP_BIND_IPI = 7;
    /// Choose the vCPU that a port notifies.
    EVTCHNOP_BIND_VCPU = 8;
    /// Unmask a port, delivering a pending event.
    EVTCHNOP_UNMASK = 9;
    /// Close all ports of a domain.
    EVTCHNOP_RESET = 10;
    /// Register the FIFO control block of a vCPU.
    EVTCHNOP_INIT_CONTROL = 11;
    /// Add a page to the FIFO event array.
    EVTCHNOP_EXPAND_ARRAY = 12;
    /// Set the FIFO priority of a port.
    EVTCHNOP_SET_PRIORITY = 13;
}

consts! { u32;
    /// The port is not in use.
    EVTCHNSTAT_CLOSED = 0;
    /// The port waits for an interdomain connection.
    EVTCHNSTAT_UNBOUND = 1;
    /// The port is connected to a port of a remote domain.
    EVTCHNSTAT_INTERDOMAIN = 2;
    /// The port is bound to a physical interrupt.
    EVTCHNSTAT_PIRQ = 3;
    /// The port is bound to a virtual interrupt.
    EVTCHNSTAT_VIRQ = 4;
    /// The port is bound to an inter-vCPU interrupt.
    EVTCHNSTAT_IPI = 5;
    /// `EvtchnBindPirq::flags`: the interrupt line may be shared.
    BIND_PIRQ_WILL_SHARE = 1;
}

consts! { u32;
    /// Number of ports of the 2-level ABI for a 64-bit guest.
    EVTCHN_2L_NR_CHANNELS = 4096;
    /// Highest FIFO priority.
    EVTCHN_FIFO_PRIORITY_MAX = 0;
    /// FIFO priority of a port that was not given one.
    EVTCHN_FIFO_PRIORITY_DEFAULT = 7;
    /// Lowest FIFO priority.
    EVTCHN_FIFO_PRIORITY_MIN = 15;
    /// Number of FIFO queues (one for each priority) of a vCPU.
    EVTCHN_FIFO_MAX_QUEUES = 16;
    /// Event word: number of the bit `pending`.
    EVTCHN_FIFO_PENDING = 31;
    /// Event word: number of the bit `masked`.
    EVTCHN_FIFO_MASKED = 30;
    /// Event word: number of the bit `linked` (the event is on a queue).
    EVTCHN_FIFO_LINKED = 29;
    /// Event word: number of the bit `busy`.
    EVTCHN_FIFO_BUSY = 28;
    /// Event word: width in bits of the link to the next port.
    EVTCHN_FIFO_LINK_BITS = 17;
    /// Event word: mask of the link.
    EVTCHN_FIFO_LINK_MASK = (1 << EVTCHN_FIFO_LINK_BITS) - 1;
    /// Number of ports of the FIFO ABI.
    EVTCHN_FIFO_NR_CHANNELS = 1 << EVTCHN_FIFO_LINK_BITS;
}

abi_struct! {
    /// Argument of `EVTCHNOP_ALLOC_UNBOUND`.
    pub struct EvtchnAllocUnbound {
        /// In: domain that the port is allocated in (may be `DOMID_SELF`).
        pub dom: u16,
        /// In: domain that may bind to the port.
        pub remote_dom: u16,
        /// Out: the new port of `dom`.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_BIND_INTERDOMAIN`.
    pub struct EvtchnBindInterdomain {
        /// In: domain of the unbound port.
        pub remote_dom: u16,
        /// Padding.
        pub _pad: u16,
        /// In: the unbound port.
        pub remote_port: u32,
        /// Out: the new port of the caller.
        pub local_port: u32,
    }

    /// Argument of `EVTCHNOP_BIND_VIRQ`.
    pub struct EvtchnBindVirq {
        /// In: number of the virtual interrupt (`VIRQ_*`).
        pub virq: u32,
        /// In: vCPU to notify; 0 for a global one.
        pub vcpu: u32,
        /// Out: the new port.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_BIND_PIRQ`.
    pub struct EvtchnBindPirq {
        /// In: number of the physical interrupt.
        pub pirq: u32,
        /// In: `BIND_PIRQ_*`.
        pub flags: u32,
        /// Out: the new port.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_BIND_IPI`.
    pub struct EvtchnBindIpi {
        /// In: vCPU to notify.
        pub vcpu: u32,
        /// Out: the new port.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_CLOSE`.
    pub struct EvtchnClose {
        /// In: port of the caller.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_SEND`.
    pub struct EvtchnSend {
        /// In: port of the caller.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_STATUS`.
    pub struct EvtchnStatus {
        /// In: domain of the port (may be `DOMID_SELF`).
        pub dom: u16,
        /// Padding.
        pub _pad: u16,
        /// In: port of `dom`.
        pub port: u32,
        /// Out: `EVTCHNSTAT_*`.
        pub status: u32,
        /// Out: vCPU that the port notifies.
        pub vcpu: u32,
        /// Out: union by `status`; see the methods.
        pub u: [u32; 2],
    }

    /// Argument of `EVTCHNOP_BIND_VCPU`.
    pub struct EvtchnBindVcpu {
        /// In: port of the caller.
        pub port: u32,
        /// In: vCPU to notify.
        pub vcpu: u32,
    }

    /// Argument of `EVTCHNOP_UNMASK`.
    pub struct EvtchnUnmask {
        /// In: port of the caller.
        pub port: u32,
    }

    /// Argument of `EVTCHNOP_RESET`.
    pub struct EvtchnReset {
        /// In: domain (may be `DOMID_SELF`).
        pub dom: u16,
    }

    /// Argument of `EVTCHNOP_INIT_CONTROL`.
    pub struct EvtchnInitControl {
        /// In: frame of the control block.
        pub control_gfn: u64,
        /// In: byte offset of the control block in its frame.
        pub offset: u32,
        /// In: vCPU of the control block.
        pub vcpu: u32,
        /// Out: number of link bits (`EVTCHN_FIFO_LINK_BITS`).
        pub link_bits: u8,
        /// Padding.
        pub _pad: [u8; 7],
    }

    /// Argument of `EVTCHNOP_EXPAND_ARRAY`.
    pub struct EvtchnExpandArray {
        /// In: frame to append to the event array.
        pub array_gfn: u64,
    }

    /// Argument of `EVTCHNOP_SET_PRIORITY`.
    pub struct EvtchnSetPriority {
        /// In: port of the caller.
        pub port: u32,
        /// In: priority, `EVTCHN_FIFO_PRIORITY_MAX` to `EVTCHN_FIFO_PRIORITY_MIN`.
        pub priority: u32,
    }

    /// Argument of the obsolete `HYPERVISOR_event_channel_op_compat`.
    pub struct EvtchnOp {
        /// `EVTCHNOP_*`.
        pub cmd: u32,
        /// Union of the arguments by `cmd`, from its first word on.
        pub u: [u32; 6],
    }

    /// Control block of the FIFO ABI, one for each vCPU.
    pub struct EvtchnFifoControlBlock {
        /// Bitmap of the queues that have events.
        pub ready: u32,
        /// Reserved.
        pub _rsvd: u32,
        /// First port of each queue; 0 when empty.
        pub head: [u32; EVTCHN_FIFO_MAX_QUEUES as usize],
    }
}

impl EvtchnStatus {
    /// Sets the union for `EVTCHNSTAT_UNBOUND`: the domain that may bind.
    pub const fn set_unbound(&mut self, dom: u16) {
        self.u = [dom as u32, 0];
    }

    /// Sets the union for `EVTCHNSTAT_INTERDOMAIN`: the peer's domain and port.
    pub const fn set_interdomain(&mut self, dom: u16, port: u32) {
        self.u = [dom as u32, port];
    }

    /// Sets the union for `EVTCHNSTAT_PIRQ` or `EVTCHNSTAT_VIRQ`: the interrupt's number.
    pub const fn set_irq(&mut self, irq: u32) {
        self.u = [irq, 0];
    }

    /// The remote domain (`EVTCHNSTAT_UNBOUND`, `EVTCHNSTAT_INTERDOMAIN`).
    pub const fn remote_dom(&self) -> u16 {
        self.u[0] as u16
    }

    /// The remote port (`EVTCHNSTAT_INTERDOMAIN`).
    pub const fn remote_port(&self) -> u32 {
        self.u[1]
    }

    /// The interrupt's number (`EVTCHNSTAT_PIRQ`, `EVTCHNSTAT_VIRQ`).
    pub const fn irq(&self) -> u32 {
        self.u[0]
    }
}
