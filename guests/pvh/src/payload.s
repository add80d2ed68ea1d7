# What runs inside of the container: 32-bit code without paging at first, as PVH guests start. Nothing in it knows the address that
# it was linked at: `AT(label)` is where a label is in the guest. Each step leaves words in the page of results; `inside.rs` knows
# what they must be.

.set BASE, 0x10000
.set RESULTS, 0x20000
.set IDT, 0x21000
.set VARS, 0x22000
.set HYPERCALLS, 0x23000
.set PD32, 0x24000
.set PDPT32, 0x25000
.set PD, 0x26000
.set PD_HIGH, 0x27000
.set PML4, 0x28000
.set PDPT, 0x29000
.set IDT64, 0x2a000
.set IVT, 0x2b000
.set STACK, 0x30000
.set APIC, 0xfee00000

# The last trap: vector, error code, EIP; how many there were; where the next one goes on (0: where it came from).
.set VECTOR, VARS
.set ERROR, VARS + 4
.set WHERE, VARS + 8
.set COUNT, VARS + 12
.set RESUME, VARS + 16
.set REASON, VARS + 20

.macro result n
    movl %eax, RESULTS + 4 * \n
.endm
.macro at label, register
    movl $(\label - payload + BASE), \register
.endm
# The next trap goes on at a label.
.macro resume label
    movl $(\label - payload + BASE), RESUME
    movl $0, VECTOR
.endm
.macro vector n
    movl VECTOR, %eax
    result \n
.endm

.section .rodata.payload, "a", @progbits
.balign 4096
.globl payload
payload:

# Entry 0: all steps. The other entries follow at multiples of 16.
.code32
    xorl %ebp, %ebp
    jmp start
.balign 16
# Entry 1: a triple fault.
    lidt nothing - payload + BASE
    ud2
.balign 16
# Entry 2: runs for ever, and counts how often.
    sti
1:  incl RESULTS
    jmp 1b
.balign 16
# Entry 3: the same with `pause`.
1:  pause
    incl RESULTS
    jmp 1b
.balign 16
# Entry 4: the same without letting interrupts in.
1:  incl RESULTS
    jmp 1b
.balign 16
# Entry 5: PAE tables.
    movl $1, %ebp
    jmp start
.balign 16
# Entry 6: see `hostile.s`.
    movl $2, %ebp
    jmp start
.balign 16
# Entry 7: sleeps, and counts how often it is woken.
    movl $3, %ebp
    jmp start
.balign 16
# Entry 8: see `exits.s`.
    movl $4, %ebp
    jmp start
.balign 8
idt64_pointer:
    .word 16 * 64 - 1
    .long IDT64
    .long 0
.balign 8
nothing:
    .word 0
    .long 0
.balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    # 0x08: 32-bit code
    .quad 0x00cf93000000ffff    # 0x10: data
    .quad 0x00af9b000000ffff    # 0x18: 64-bit code
    .quad 0x00009b010000ffff    # 0x20: 16-bit code at BASE
    .quad 0x000093000000ffff    # 0x28: 16-bit data at 0
    .quad 0x0000890224000067    # 0x30: the task's state at VARS + 0x400
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt - payload + BASE
idt_pointer:
    .word 8 * 64 - 1
    .long IDT
ivt_pointer:
    .word 0x3ff
    .long IVT

# One entry for each vector, all of one size: push imm32, jmp rel32.
.set STUB_SIZE, 16
.balign 16
stubs:
.set n, 0
.rept 64
    .byte 0x68
    .long n
    .byte 0xe9
    .long trapped - (. + 4)
    .balign STUB_SIZE
    .set n, n + 1
.endr

trapped:
    pushl %eax
    movl 4(%esp), %eax
    movl %eax, VECTOR
    incl COUNT
    # Which vectors push an error code.
    cmpl $32, %eax
    jae 1f
    btl %eax, with_error - payload + BASE
    jnc 1f
    movl 8(%esp), %eax
    movl %eax, ERROR
    popl %eax
    addl $8, %esp
    jmp 2f
1:  cmpl $32, %eax
    jb 3f
    movl $0, APIC + 0xb0
3:  popl %eax
    addl $4, %esp
2:  # EIP, CS and flags are on the stack.
    pushl %eax
    movl 4(%esp), %eax
    movl %eax, WHERE
    movl RESUME, %eax
    testl %eax, %eax
    jz 1f
    movl %eax, 4(%esp)
    movl $0, RESUME
1:  cmpl $1, VECTOR
    jne 1f
    # A step or a breakpoint: no further step, and the instruction gets its turn.
    andl $~0x100, 12(%esp)
    orl $0x10000, 12(%esp)
1:  popl %eax
    iret
.balign 4
with_error:
    .long 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17

.balign 16
start:
    movl $STACK, %esp
    cld
    lgdt gdt_pointer - payload + BASE
    ljmp $0x08, $(1f - payload + BASE)
1:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    # Memory holds anything: variables and tables begin as zeros.
    xorl %eax, %eax
    movl $VARS, %edi
    movl $((STACK - VARS) / 4), %ecx
    rep stosl
    # The interrupt descriptors.
    movl $IDT, %edi
    at stubs, %ebx
    movl $64, %ecx
1:  movl %ebx, %eax
    andl $0xffff, %eax
    orl $0x80000, %eax
    movl %eax, (%edi)
    movl %ebx, %eax
    andl $0xffff0000, %eax
    orl $0x8e00, %eax
    movl %eax, 4(%edi)
    addl $8, %edi
    addl $STUB_SIZE, %ebx
    loop 1b
    lidt idt_pointer - payload + BASE
    movl $0x21485650, %eax
    result 0
    cmpl $1, %ebp
    je pae
    cmpl $2, %ebp
    je hostile
    cmpl $3, %ebp
    je sleeper
    ja exits

# 1, 2: CPUID.
    movl $0x40000000, %eax
    cpuid
    movl %ebx, %eax
    result 1
    movl $0x40000001, %eax
    cpuid
    result 2

# 3 to 8: exceptions and software interrupts.
    resume 1f
    ud2
1:  vector 3
    movl $0, VECTOR
    int3
    vector 4
    movl $0, VECTOR
    int $0x30
    vector 5
    resume 1f
    xorl %edx, %edx
    xorl %ecx, %ecx
    divl %ecx
1:  vector 6
    resume 1f
    movl $0x1230, %eax
    movw %ax, %fs
1:  vector 7
    movl ERROR, %eax
    result 8

# 9, 10: single steps, of an instruction that does not stop the guest and of one that does.
    movl $0xffff0ff0, %eax
    movl %eax, %dr6
    pushfl
    orl $0x100, (%esp)
    popfl
    nop
    movl %dr6, %eax
    andl $0x4000, %eax
    orl VECTOR, %eax
    result 9
    movl $0, %eax
    pushfl
    orl $0x100, (%esp)
    popfl
2:  cpuid
1:  movl WHERE, %eax
    subl $(2b - payload + BASE), %eax
    result 10

# 11 to 13: a device's memory, memory that there is not, a port that there is not.
    movl APIC + 0x30, %eax
    andl $0xff, %eax
    result 11
    movl 0x80000000, %eax
    result 12
    movw $0x3fd, %dx
    movl $0, %eax
    inb %dx, %al
    result 13

# 14: time.
    rdtsc
    movl %eax, %ebx
    movl %edx, %esi
    rdtsc
    subl %ebx, %eax
    sbbl %esi, %edx
    movl %edx, %eax
    result 14

# 15 to 19: interrupts: a timer ends `hlt`; one that waits until it is let in; one behind `sti`; NMIs.
    movl $0x1ff, APIC + 0xf0
    movl $0x31, APIC + 0x320
    movl $0xb, APIC + 0x3e0
    movl $0, VECTOR
    movl $100000, APIC + 0x380
    sti
    hlt
    cli
    vector 15
    movl $0, VECTOR
    movl $0x40032, APIC + 0x300
    vector 16
    sti
    nop
    nop
    cli
    movl RESULTS + 4 * 16, %eax
    shll $8, %eax
    orl VECTOR, %eax
    result 16
    movl $0, VECTOR
    movl $0x40033, APIC + 0x300
    sti
    hlt
    cli
    vector 17
    movl $0, VECTOR
    movl $0, COUNT
    movl $0, APIC + 0x310
    movl $0x4400, APIC + 0x300
    nop
    vector 18
    movl $0x4400, APIC + 0x300
    nop
    movl COUNT, %eax
    result 19

# 20 to 23: control registers read as they were written.
    movl $0x10, %eax
    movl %eax, %cr4
    movl %cr4, %eax
    result 20
    movl %cr0, %eax
    orl $0x10000, %eax
    movl %eax, %cr0
    movl %cr0, %eax
    result 21
    movl %cr0, %eax
    orl $8, %eax
    movl %eax, %cr0
    clts
    movl %cr0, %eax
    result 22
    movw $3, %ax
    lmsw %ax
    movl %cr0, %eax
    result 23

# 24 to 26: instructions and registers that a guest does not have.
    resume 1f
    .byte 0x0f, 0x01, 0xc2      # vmlaunch
1:  vector 24
    resume 1f
    xorl %eax, %eax
    .byte 0x0f, 0x01, 0xd8      # vmrun
1:  vector 25
    resume 1f
    movl $0xdead, %ecx
    rdmsr
1:  vector 26

# 27 to 29: registers of its own.
    movl $0x175, %ecx
    movl $0x12345678, %eax
    xorl %edx, %edx
    wrmsr
    xorl %eax, %eax
    rdmsr
    result 27
    movl $0xc0000081, %ecx
    movl $0x01020304, %eax
    movl $0x00180008, %edx
    wrmsr
    xorl %edx, %edx
    rdmsr
    movl %edx, %eax
    result 28
    movl $0xc0000080, %ecx
    movl $0x801, %eax
    xorl %edx, %edx
    wrmsr
    xorl %eax, %eax
    rdmsr
    result 29

# 30: a hypercall of 32-bit code: the version.
    movl $0x40000000, %ecx
    movl $HYPERCALLS, %eax
    xorl %edx, %edx
    wrmsr
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    movl $(HYPERCALLS + 17 * 32), %eax
    call *%eax
    result 30

# 31, 32: paging with two levels, and a page fault.
    movl $0x83, PD32
    movl $0xfec00083, PD32 + 4 * 0x3fb
    movl $PD32, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    resume 1f
    movl 0x800000, %eax
1:  vector 31
    movl %cr2, %eax
    result 32
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0

# 33 to 41: 64-bit code. (CR4.PAE before EFER.LME: QEMU loses the host's CR0 when it leaves a guest that has only the latter.)
    movl $(PDPT + 3), PML4
    movl $(PD + 3), PDPT
    movl $(PD_HIGH + 3), PDPT + 24
    movl $0x83, PD
    movl $0xfee00083, PD_HIGH + 8 * 0x1f7
    movl $PML4, %eax
    movl %eax, %cr3
    movl $0x20, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    ljmp $0x18, $(1f - payload + BASE)
.code64
1:  movabsq $0x123456789abcdef0, %rax
    shrq $32, %rax
    result 35
    xorl %edi, %edi
    xorl %esi, %esi
    movl $(HYPERCALLS + 17 * 32), %eax
    call *%rax
    result 36
    movl $0xc0000102, %ecx
    movl $0x55667788, %eax
    movl $0x1122, %edx
    wrmsr
    swapgs
    movl $0xc0000101, %ecx
    rdmsr
    addl %edx, %eax
    result 37
    swapgs
    movl $0xc0000082, %ecx
    movl $0x80001000, %eax
    movl $0xffffffff, %edx
    wrmsr
    xorl %eax, %eax
    rdmsr
    result 38
    movl $5, %eax
    movq %rax, %cr8
    xorl %eax, %eax
    movq %cr8, %rax
    result 39
    # An interrupt of a lower class waits; it comes with the instruction that lowers the priority far enough, not with an exit
    # that happens to follow.
    at handler64, %eax
    movw %ax, IDT64 + 16 * 0x31
    movw $0x18, IDT64 + 16 * 0x31 + 2
    shrl $16, %eax
    movw $0x8e00, IDT64 + 16 * 0x31 + 4
    movw %ax, IDT64 + 16 * 0x31 + 6
    lidt idt64_pointer - payload + BASE
    movl $0, VECTOR
    movl $APIC, %edi
    movl $0x40031, 0x300(%rdi)
    sti
    nop
    movl $3, %eax
    movq %rax, %cr8
    nop
    movl VECTOR, %ebx
    movl $2, %eax
    movq %rax, %cr8
    nop
    movl VECTOR, %ecx
    cli
    movl %ebx, %eax
    orl $0x100, %eax
    result 33
    movl %ecx, %eax
    result 34
    xorl %eax, %eax
    movq %rax, %cr8
    movq %cr4, %rax
    orl $0x40200, %eax
    movq %rax, %cr4
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $3, %eax
    xsetbv
    xorl %eax, %eax
    xgetbv
    result 40
    movq %cr4, %rax
    andl $~0x40200, %eax
    movq %rax, %cr4
    pushq $0x08
    pushq $(1f - payload + BASE)
    lretq
handler64:
    movl $0x31, VECTOR
    movl $0, 0xb0(%rdi)
    iretq
.code32
1:  lidt idt_pointer - payload + BASE
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl $0xc0000080, %ecx
    rdmsr
    result 41
    andl $~0x100, %eax
    wrmsr
    xorl %eax, %eax
    movl %eax, %cr4

# 42 to 46: real mode.
    movl $(handler16 - payload + (BASE << 12)), IVT + 4 * 0x40
    movl $(handler16 - payload + (BASE << 12)), IVT + 4 * 6
    movl $(handler16 - payload + (BASE << 12)), IVT + 4 * 13
    movl $0x20000, %esp
    lidt ivt_pointer - payload + BASE
    ljmp $0x20, $(1f - payload)
.code16
1:  movw $0x28, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl %cr0, %eax
    andl $~1, %eax
    movl %eax, %cr0
    ljmp $(BASE >> 4), $(1f - payload)
1:  movw $(RESULTS >> 4), %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0xfff0, %esp
    movl $0x40000000, %eax
    cpuid
    movl %ebx, 4 * 42
    # Each trap multiplies EDI by 256, adds one if its frame is not as it should be, and goes on at BP.
    movw $(1f - payload), %bp
    movl $1, %edi
    int $0x40
1:  movl %edi, 4 * 43
    movw $(1f - payload), %bp
    movl $2, %edi
    ud2
1:  movl %edi, 4 * 44
    movw $(1f - payload), %bp
    movl $3, %edi
    movl $0xdead, %ecx
    rdmsr
1:  movl %edi, 4 * 45
    movl $0, 4 * 46
    movw $(4 * 46), %di
    movw $0x3fd, %dx
    movw $3, %cx
    cld
    rep insb
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $(1f - payload + BASE)
# In real mode a frame is IP, CS and flags, without an error code whatever it is: CS is where it belongs.
handler16:
    movw %sp, %bx
    shll $8, %edi
    movw %ss:2(%bx), %ax
    cmpw $(BASE >> 4), %ax
    je 2f
    incl %edi
2:  movw %bp, %ss:(%bx)
    iretw
.code32
1:  movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $STACK, %esp
    lidt idt_pointer - payload + BASE

# 47 to 49: debug registers, and a breakpoint.
    movl $0x12345678, %eax
    movl %eax, %dr0
    xorl %eax, %eax
    movl %dr0, %eax
    result 47
    movl $0xffff0ff0, %eax
    movl %eax, %dr6
    at breakpoint, %eax
    movl %eax, %dr0
    movl $0x402, %eax
    movl %eax, %dr7
    movl %dr7, %eax
    result 48
    movl $0, VECTOR
breakpoint:
    nop
    movl %dr6, %eax
    andl $15, %eax
    shll $8, %eax
    orl VECTOR, %eax
    result 49
    movl $0x400, %eax
    movl %eax, %dr7

# 50 to 52: `pause` in a loop, `wbinvd`, `monitor`.
    movl $100000, %ecx
1:  pause
    loop 1b
    movl $50, %eax
    result 50
    wbinvd
    movl $51, %eax
    result 51
    resume 1f
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $RESULTS, %eax
    monitor
1:  vector 52

# 53: everything was reached; the domain powers itself off.
    movl $0x444e4521, %eax
    result 53
finish:
    movl $0x40000000, %ecx
    movl $HYPERCALLS, %eax
    xorl %edx, %edx
    wrmsr
    movl $0, REASON
    movl $2, %ebx
    movl $REASON, %ecx
    movl $(HYPERCALLS + 29 * 32), %eax
    call *%eax
    ud2

sleeper:
    movl $0, RESULTS
    movl $0x1ff, APIC + 0xf0
    movl $0xb, APIC + 0x3e0
    movl $0x20031, APIC + 0x320
    movl $1000000, APIC + 0x380
1:  incl RESULTS
    sti
    hlt
    jmp 1b

# 1 to 3 of entry 5: paging with three levels, the tables loaded by CR0 and again by CR3; a page fault; a device behind them.
pae:
    movl $(PD + 1), PDPT32
    movl $(PD_HIGH + 1), PDPT32 + 24
    movl $0x83, PD
    movl $0xfee00083, PD_HIGH + 8 * 0x1f7
    movl $PDPT32, %eax
    movl %eax, %cr3
    movl $0x20, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl %cr3, %eax
    movl %eax, %cr3
    movl RESULTS, %eax
    result 1
    resume 1f
    movl 0x800000, %eax
1:  vector 2
    movl APIC + 0x30, %eax
    andl $0xff, %eax
    result 3
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    jmp finish
