# The ways in from ring 3 and from ring 0, and the ways out.
#
# A CPU's stack has, from its top: the CpuBlock, the GuestRegs (168 bytes), and below them, 16-aligned, the Rust code. So after
# an entry from ring 3 the saved registers are at 8(%rsp) up to 176(%rsp).

    .macro SAVE
    movq %r15, 8(%rsp)
    movq %r14, 16(%rsp)
    movq %r13, 24(%rsp)
    movq %r12, 32(%rsp)
    movq %rbp, 40(%rsp)
    movq %rbx, 48(%rsp)
    movq %r11, 56(%rsp)
    movq %r10, 64(%rsp)
    movq %r9, 72(%rsp)
    movq %r8, 80(%rsp)
    movq %rax, 88(%rsp)
    movq %rcx, 96(%rsp)
    movq %rdx, 104(%rsp)
    movq %rsi, 112(%rsp)
    movq %rdi, 120(%rsp)
    .endm

    # What Rust functions keep for their caller.
    .macro RESTORE_KEPT
    movq 8(%rsp), %r15
    movq 16(%rsp), %r14
    movq 24(%rsp), %r13
    movq 32(%rsp), %r12
    movq 40(%rsp), %rbp
    movq 48(%rsp), %rbx
    .endm

    # What they may change, but RCX and R11, for which SYSRET has its own use.
    .macro RESTORE_CHANGED
    movq 64(%rsp), %r10
    movq 72(%rsp), %r9
    movq 80(%rsp), %r8
    movq 88(%rsp), %rax
    movq 104(%rsp), %rdx
    movq 112(%rsp), %rsi
    movq 120(%rsp), %rdi
    .endm

    .macro RESTORE
    movq 56(%rsp), %r11
    movq 96(%rsp), %rcx
    RESTORE_KEPT
    RESTORE_CHANGED
    .endm

    # SYSRET with the registers at 8(%rsp).
    .macro SYSRET
    movq 152(%rsp), %r11
    RESTORE_CHANGED
    movq 160(%rsp), %rsp
    sysretq
    .endm

    # On Intel SYSRET to a non-canonical address faults in ring 0 with the guest's stack. On AMD it does not, and this is
    # patched into one jump.
    .macro CHECK_TARGET
91: movq %rcx, %r11
    sarq $47, %r11
    incq %r11
    cmpq $1, %r11
    ja exit_by_iret
92: .pushsection .sysret_checks, "a", @progbits
    .quad 91b, 92b
    .popsection
    .endm

    # An exception keeps the flags of the code it interrupts: the direction flag and the permission to access user pages.
    .macro CLEAR_FLAGS
    cld
99: nopl (%rax)
    .pushsection .clac_sites, "a", @progbits
    .quad 99b
    .popsection
    .endm

    .section .text.entry, "ax", @progbits
    .balign 64
# SYSCALL from 64-bit code. The CPU's stub has stored the guest's RSP and loaded this CPU's.
    .globl syscall64_common
syscall64_common:
    SAVE
    movq %rcx, 136(%rsp)            # rip
    movq %r11, 152(%rsp)            # rflags
    movq ${CS64}, 144(%rsp)
    movq ${SS}, 168(%rsp)
    movl ${SYSCALL64}, 132(%rsp)
    leaq 8(%rsp), %rdi
    call guest_syscall
    # 0: the same guest context as before, whose kept registers are still in the processor, and the way back is SYSRET.
    testl %eax, %eax
    jnz guest_exit
    movq 136(%rsp), %rcx
    CHECK_TARGET
    SYSRET

# Back to ring 3 with the registers at 8(%rsp).
    .balign 16
    .globl guest_exit
guest_exit:
    cmpl ${SYSCALL64}, 132(%rsp)
    jne exit_by_iret
    movq 136(%rsp), %rcx
    CHECK_TARGET
    RESTORE_KEPT
    SYSRET

exit_by_iret:
    RESTORE
    addq $136, %rsp
    .globl guest_iret
guest_iret:
    iretq

# After an IRET to the guest that faulted, with the stack as after an entry.
    .globl guest_trap_again
guest_trap_again:
    leaq 8(%rsp), %rdi
    call guest_trap
    jmp guest_exit

    .balign 64
# Every vector: the frame, the error code and the vector number are on the stack.
trap_common:
    testb $3, 16(%rsp)
    jz host_common
    subq $128, %rsp
guest_trap_common:
    SAVE
    CLEAR_FLAGS
    leaq 8(%rsp), %rdi
    call guest_trap
    jmp guest_exit

# From ring 0, on the stack that was in use or on an interrupt stack.
host_common:
    subq $128, %rsp
    SAVE
    CLEAR_FLAGS
    leaq 8(%rsp), %rdi
    call host_entry
    RESTORE
    addq $136, %rsp
    iretq

# SYSCALL from compatibility mode.
    .globl syscall32_common
syscall32_common:
    SAVE
    movq %rcx, 136(%rsp)
    movq %r11, 152(%rsp)
    movq ${CS32}, 144(%rsp)
    movq ${SS}, 168(%rsp)
    movl $0, 128(%rsp)
    movl ${SYSCALL32}, 132(%rsp)
    leaq 8(%rsp), %rdi
    call guest_trap
    jmp guest_exit

# SYSENTER: RSP is where an interrupt's frame would begin; the guest's RIP and RSP are not known.
    .globl sysenter_common
sysenter_common:
    pushq ${SS}
    pushq $0
    pushfq
    pushq ${CS32}
    pushq $0
    pushq $0
    movl ${SYSENTER}, 4(%rsp)
    orl $0x200, 24(%rsp)            # SYSENTER cleared the interrupt flag
    andl $~0x4100, 24(%rsp)         # and left single step and nested task as they were
    pushq $2
    popfq
    subq $128, %rsp
    jmp guest_trap_common

# Debug exceptions have a stack of their own, for one can come before SYSCALL's entry has loaded ours. From ring 3 the
# frame is moved to the CPU's ordinary stack.
debug_entry:
    testb $3, 8(%rsp)
    jz 1f
    pushq %rax
    movq %rsp, %rax
    orq ${STACK_MASK}, %rsp
    leaq -{BLOCK_SIZE}+1(%rsp), %rsp
    pushq 40(%rax)
    pushq 32(%rax)
    pushq 24(%rax)
    pushq 16(%rax)
    pushq 8(%rax)
    pushq $0
    movl $1, 4(%rsp)
    subq $128, %rsp
    movq (%rax), %rax
    jmp guest_trap_common
1:  pushq $0
    movl $1, 4(%rsp)
    jmp host_common

# The other vectors with stacks of their own are the hypervisor's business wherever they come from.
nmi_entry:
    pushq $0
    movl $2, 4(%rsp)
    jmp host_common
double_fault_entry:
    movl $8, 4(%rsp)
    jmp host_common
machine_check_entry:
    pushq $0
    movl $18, 4(%rsp)
    jmp host_common

# One stub of 16 bytes for each vector.
    .balign 16
    .globl vector_stubs
vector_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector == 1
    jmp debug_entry
    .elseif vector == 2
    jmp nmi_entry
    .elseif vector == 8
    jmp double_fault_entry
    .elseif vector == 18
    jmp machine_check_entry
    .else
    .if (vector < 10) | (vector > 30) | (vector == 15) | (vector == 16) | (vector == 19) | (vector == 20)
    pushq $0
    .elseif (vector >= 22) & (vector <= 28)
    pushq $0
    .endif
    movl $vector, 4(%rsp)
    jmp trap_common
    .endif
    .set vector, vector + 1
    .endr
    .text
