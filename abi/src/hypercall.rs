//! Hypercall numbers (`xen.h`, `__HYPERVISOR_*`): the value of RAX, and the index into the hypercall page.

macro_rules! numbers {
    ($($name:ident = $value:literal;)*) => {
        $(
            #[doc = concat!("Number ", stringify!($value), " (`xen.h`).")]
            pub const $name: u32 = $value;
        )*

        /// The name of the constant with this value, for messages.
        #[must_use]
        pub const fn name(number: u32) -> Option<&'static str> {
            match number {
                $($value => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

numbers! {
    HYPERVISOR_SET_TRAP_TABLE = 0;
    HYPERVISOR_MMU_UPDATE = 1;
    HYPERVISOR_SET_GDT = 2;
    HYPERVISOR_STACK_SWITCH = 3;
    HYPERVISOR_SET_CALLBACKS = 4;
    HYPERVISOR_FPU_TASKSWITCH = 5;
    HYPERVISOR_SCHED_OP_COMPAT = 6;
    HYPERVISOR_PLATFORM_OP = 7;
    HYPERVISOR_SET_DEBUGREG = 8;
    HYPERVISOR_GET_DEBUGREG = 9;
    HYPERVISOR_UPDATE_DESCRIPTOR = 10;
    HYPERVISOR_MEMORY_OP = 12;
    HYPERVISOR_MULTICALL = 13;
    HYPERVISOR_UPDATE_VA_MAPPING = 14;
    HYPERVISOR_SET_TIMER_OP = 15;
    HYPERVISOR_EVENT_CHANNEL_OP_COMPAT = 16;
    HYPERVISOR_XEN_VERSION = 17;
    HYPERVISOR_CONSOLE_IO = 18;
    HYPERVISOR_PHYSDEV_OP_COMPAT = 19;
    HYPERVISOR_GRANT_TABLE_OP = 20;
    HYPERVISOR_VM_ASSIST = 21;
    HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN = 22;
    HYPERVISOR_IRET = 23;
    HYPERVISOR_VCPU_OP = 24;
    HYPERVISOR_SET_SEGMENT_BASE = 25;
    HYPERVISOR_MMUEXT_OP = 26;
    HYPERVISOR_XSM_OP = 27;
    HYPERVISOR_NMI_OP = 28;
    HYPERVISOR_SCHED_OP = 29;
    HYPERVISOR_CALLBACK_OP = 30;
    HYPERVISOR_XENOPROF_OP = 31;
    HYPERVISOR_EVENT_CHANNEL_OP = 32;
    HYPERVISOR_PHYSDEV_OP = 33;
    HYPERVISOR_HVM_OP = 34;
    HYPERVISOR_SYSCTL = 35;
    HYPERVISOR_DOMCTL = 36;
    HYPERVISOR_KEXEC_OP = 37;
    HYPERVISOR_TMEM_OP = 38;
    HYPERVISOR_ARGO_OP = 39;
    HYPERVISOR_XENPMU_OP = 40;
    HYPERVISOR_DM_OP = 41;
    HYPERVISOR_HYPFS_OP = 42;
    HYPERVISOR_ARCH_0 = 48;
    HYPERVISOR_ARCH_1 = 49;
    HYPERVISOR_ARCH_2 = 50;
    HYPERVISOR_ARCH_3 = 51;
    HYPERVISOR_ARCH_4 = 52;
    HYPERVISOR_ARCH_5 = 53;
    HYPERVISOR_ARCH_6 = 54;
    HYPERVISOR_ARCH_7 = 55;
}

/// Machine check operations of x86: the first architecture-specific number (`arch-x86/xen-mca.h`).
pub const HYPERVISOR_MCA: u32 = HYPERVISOR_ARCH_0;

/// Size of one stub in the hypercall page, in bytes.
pub const HYPERCALL_STUB_SIZE: usize = 32;
