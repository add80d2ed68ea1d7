# What each way out of the container and back costs. `exits.rs` knows the order: word n of the results is the time of that loop.

.set ROUNDS, 1000

# A loop of `ROUNDS` times what stands up to `timed_end`, which keeps ESI, EDI and EBP.
.macro timed
    rdtsc
    movl %eax, %esi
    movl $ROUNDS, %edi
8:
.endm
.macro timed_end n
    decl %edi
    jnz 8b
    rdtsc
    subl %esi, %eax
    result \n
.endm

.code32
exits:
    movl $HYPERCALLS, %eax
    xorl %edx, %edx
    movl $0x40000000, %ecx
    wrmsr
    # An APIC that is on, and its timer: single shots by vector 0x31, each count one tick of the bus.
    movl $0x1ff, APIC + 0xf0
    movl $0x31, APIC + 0x320
    movl $0xb, APIC + 0x3e0

    # 1: the loop itself.
    timed
    timed_end 1
    # 2, 3: CPUID, natively answered leaf and the hypervisor's.
    timed
    movl $1, %eax
    cpuid
    timed_end 2
    timed
    movl $0x40000000, %eax
    cpuid
    timed_end 3
    # 4, 5: a model-specific register that the hypervisor answers for (the APIC's base).
    movl $0x1b, %ecx
    timed
    rdmsr
    timed_end 4
    movl $0x1b, %ecx
    rdmsr
    movl %eax, %ebp
    timed
    movl %ebp, %eax
    wrmsr
    timed_end 5
    # 6, 7: ports that there are not.
    timed
    inb $0x84, %al
    timed_end 6
    timed
    outb %al, $0x84
    timed_end 7
    # 8, 9: registers of the APIC in memory.
    timed
    movl APIC + 0x30, %eax
    timed_end 8
    timed
    movl $0, APIC + 0x80
    timed_end 9
    # 10: memory that there is not.
    timed
    movl 0x80000000, %eax
    timed_end 10
    # 11: a hypercall that does nothing (xen_version).
    timed
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    movl $(HYPERCALLS + 17 * 32), %eax
    call *%eax
    timed_end 11
    # 12: a write to CR0 that changes a bit.
    timed
    movl %cr0, %eax
    xorl $0x10000, %eax
    movl %eax, %cr0
    timed_end 12
    # 13: an interrupt from itself, with its handler, which writes the APIC's EOI.
    sti
    timed
    movl $0x40032, APIC + 0x300
    timed_end 13
    cli
    # 14: HLT that an interrupt ends which is there already.
    timed
    movl $0x40032, APIC + 0x300
    sti
    hlt
    cli
    timed_end 14
    # 15: a timer set, HLT, and the timer's interrupt after 100 microseconds (or however long a count is).
    timed
    movl $100000, APIC + 0x380
    sti
    hlt
    cli
    timed_end 15
    # 16: a timer set and stopped.
    timed
    movl $100000000, APIC + 0x380
    movl $0, APIC + 0x380
    timed_end 16
    jmp finish
