# Entry 6: a guest that does what none should, at random, until its domain ends or is ended. Whatever interrupts it, it goes on
# with `next`, from a clean state: a broken one would end it too soon.

.set SEED, VARS + 0x100
.set SOUP, 0x40000
.set ARGUMENTS, 0x41000
.set DESCRIPTORS, 0x42000
.set DIRECTORY, 0x43000

hostile:
    movl $0, RESULTS
    movl RESULTS + 0x400, %eax
    movl %eax, SEED
    # What comes to run below of the code ends soon: zeros there are stores into themselves, which take an emulator for ever.
    xorl %edi, %edi
    movl $(BASE / 4), %ecx
    movl $0xf4f4f4f4, %eax
    rep stosl
    # All vectors lead to `next`.
    movl $IDT, %edi
    at next, %ebx
    movl $64, %ecx
1:  movw %bx, (%edi)
    movl %ebx, %eax
    shrl $16, %eax
    movw %ax, 6(%edi)
    addl $8, %edi
    loop 1b
    movl $0x1ff, APIC + 0xf0
    # QEMU ends itself when user mode is left by a task state that was not loaded by this instruction.
    movl $STACK, VARS + 0x404
    movl $0x10, VARS + 0x408
    movw $0x30, %ax
    ltr %ax
    jmp next

# %eax: a random number (xorshift). Uses %edx.
random:
    movl SEED, %eax
    movl %eax, %edx
    shll $13, %edx
    xorl %edx, %eax
    movl %eax, %edx
    shrl $17, %edx
    xorl %edx, %eax
    movl %eax, %edx
    shll $5, %edx
    xorl %edx, %eax
    movl %eax, SEED
    ret

# %eax: what may be an argument: a small number, an address of arguments, or anything. Uses %edx.
argument:
    call random
    testl $0x3000000, %eax
    jz 2f
    testl $0x1000000, %eax
    jz 1f
    andl $0x1f, %eax
    ret
1:  andl $0xff8, %eax
    addl $ARGUMENTS, %eax
2:  ret

# Fills some of the arguments. Uses %eax, %ecx, %edx, %edi.
arguments:
    call random
    andl $0xf00, %eax
    leal ARGUMENTS(%eax), %edi
    movl $24, %ecx
1:  call argument
    stosl
    loop 1b
    ret

# A timer that interrupts soon, again and again. Uses %eax.
alarm:
    movl $0xb, APIC + 0x3e0
    movl $0x20031, APIC + 0x320
    movl $20000, APIC + 0x380
    sti
    ret

next:
    cli
    movl $0x11, %eax
    movl %eax, %cr0
    xorl %eax, %eax
    movl %eax, %cr4
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $STACK, %esp
    lgdt gdt_pointer - payload + BASE
    lidt idt_pointer - payload + BASE
    movl $0, APIC + 0xb0
    cld
    incl RESULTS
    call random
    andl $31, %eax
    movl deeds - payload + BASE(, %eax, 4), %eax
    jmp *%eax

.macro deed label
    .long \label - payload + BASE
.endm
.balign 4
deeds:
    deed calls
    deed calls
    deed calls
    deed known_calls
    deed known_calls
    deed known_calls
    deed read_msr
    deed read_msr
    deed write_msr
    deed write_msr
    deed write_msr
    deed apic_store
    deed apic_store
    deed apic_load
    deed timer_storm
    deed mmio
    deed mmio
    deed mmio_string
    deed ports
    deed port_strings
    deed cr_bit
    deed cr_bit
    deed debug_registers
    deed soup
    deed soup
    deed soup
    deed interrupts
    deed cpuids
    deed oddities
    deed tables
    deed tasks
    deed messages
.purgem deed

# Any hypercall with any arguments, by either instruction.
calls:
    call random
    andl $63, %eax
call_it:
    pushl %eax
    call arguments
    call argument
    movl %eax, %ebx
    call argument
    movl %eax, %ecx
    call argument
    movl %eax, %esi
    call argument
    movl %eax, %edi
    call argument
    movl %eax, %edx
    popl %eax
    testl $1, SEED
    jz 1f
    vmmcall
    jmp next
1:  vmcall
    jmp next

# One that a guest has use for: memory, version, grants, vCPUs, scheduling, events, HVM, in their order.
known_calls:
    call random
    andl $7, %eax
    movzbl useful - payload + BASE(%eax), %eax
    jmp call_it
useful:
    .byte 12, 17, 20, 24, 29, 32, 34, 41

# %ecx: a register near some that exist.
an_msr:
    call random
    movl %eax, %ecx
    andl $15, %eax
    shrl $8, %ecx
    andl $0x3f, %ecx
    addl msrs - payload + BASE(, %eax, 4), %ecx
    ret
.balign 4
msrs:
    .long 0, 0x10, 0x170, 0x1d0, 0x200, 0x240, 0x277, 0x480
    .long 0x6e0, 0x800, 0xc0000080, 0xc00000e0, 0xc0000100, 0xc0010000, 0xc0010110, 0x40000000

read_msr:
    call an_msr
    rdmsr
    jmp next

write_msr:
    call an_msr
    call random
    movl %eax, %ebx
    call argument
    testl $0x10, SEED
    jz 1f
    xorl %ebx, %ebx
1:  movl %ebx, %edx
    wrmsr
    jmp next

apic_store:
    call random
    andl $0x3f0, %eax
    movl %eax, %ecx
    call argument
    movl %eax, APIC(%ecx)
    jmp next

apic_load:
    call random
    andl $0xfff, %eax
    movl APIC(%eax), %eax
    movb APIC(%eax), %al
    jmp next

# A periodic timer with a period of nothing, for a moment.
timer_storm:
    movl $0xb, APIC + 0x3e0
    movl $0x20031, APIC + 0x320
    call random
    andl $0xff, %eax
    movl %eax, APIC + 0x380
    sti
    movl $10000, %ecx
1:  loop 1b
    jmp next

# %ebx: an address without memory.
a_hole:
    call random
    orl $0x80000000, %eax
    movl %eax, %ebx
    ret

mmio:
    call a_hole
    movl %eax, (%ebx)
    movb %al, 3(%ebx)
    lock incl (%ebx)
    cmpxchg8b (%ebx)
    xchgl %eax, (%ebx)
    btsl %eax, (%ebx)
    pushl (%ebx)
    popl 4(%ebx)
    jmp next

mmio_string:
    call a_hole
    movl %ebx, %edi
    movl $ARGUMENTS, %esi
    movl $0x123, %ecx
    testl $1, SEED
    jz 1f
    xchgl %esi, %edi
1:  rep movsb
    jmp next

ports:
    call random
    movl %eax, %edx
    inb %dx, %al
    inw %dx, %ax
    outb %al, %dx
    outl %eax, %dx
    inl %dx, %eax
    jmp next

port_strings:
    call random
    movl %eax, %edx
    movl $ARGUMENTS, %edi
    movl $0x85, %ecx
    rep insb
    movl $ARGUMENTS, %esi
    movl $0x43, %ecx
    rep outsl
    call a_hole
    movl %ebx, %edi
    movl $0x10, %ecx
    rep insl
    jmp next

# One bit of a control register.
cr_bit:
    call random
    movl %eax, %ebx
    testl $0x300, %eax
    jz 2f
    testl $0x100, %eax
    jz 1f
    movl %cr0, %ecx
    btcl %ebx, %ecx
    movl %ecx, %cr0
    jmp 3f
1:  movl %cr4, %ecx
    btcl %ebx, %ecx
    movl %ecx, %cr4
    jmp 3f
2:  movl %ebx, %cr3
3:  movl RESULTS, %eax
    fninit
    jmp next

# Only breakpoints at code: QEMU ends itself when an exception is pushed to where one at data is.
debug_registers:
    call random
    andl $0xccccffff, %eax
    movl %eax, %dr7
    call argument
    movl %eax, %dr0
    movl %eax, %dr3
    call random
    movl %eax, %dr6
    movl ARGUMENTS, %eax
    movl %dr6, %eax
    jmp next

# Random code. An alarm ends what has no end.
soup:
    call alarm
    movl $SOUP, %edi
    movl $32, %ecx
1:  call random
    stosl
    loop 1b
    movl $SOUP, %eax
    jmp *%eax

interrupts:
    call random
    movb $0xcd, SOUP
    movb %al, SOUP + 1
    movl $0x90909090, SOUP + 2
    movw $0x0b0f, SOUP + 6
    movl $SOUP, %eax
    jmp *%eax

cpuids:
    call random
    movl %eax, %ecx
    andl $7, %ecx
    andl $0xc000003f, %eax
    cpuid
    jmp next

oddities:
    call alarm
    call random
    andl $15, %eax
    movl %eax, %ecx
    call random
    xorl %edx, %edx
    cmpl $1, %ecx
    jb 0f
    je 1f
    cmpl $3, %ecx
    jb 2f
    je 3f
    cmpl $5, %ecx
    jb 4f
    je 5f
    cmpl $7, %ecx
    jb 6f
    je 7f
    hlt
    jmp next
0:  xsetbv
    jmp next
1:  xorl %ecx, %ecx
    xsetbv
    jmp next
2:  wbinvd
    invd
    jmp next
3:  invlpg (%eax)
    clts
    lmsw %ax
    jmp next
4:  rdpmc
    jmp next
5:  monitor
    mwait
    jmp next
6:  movl $ARGUMENTS, %eax
    vmptrld (%eax)
    jmp next
7:  cli
    hlt

# Page tables of anything but where the code and the APIC are; they change while they are used.
tables:
    movl $DIRECTORY, %edi
    movl $1024, %ecx
1:  call random
    stosl
    loop 1b
    movl $0x83, DIRECTORY
    movl $0xfec00083, DIRECTORY + 4 * 0x3fb
    movl $DIRECTORY, %eax
    movl %eax, %cr3
    movl $0x10, %eax
    movl %eax, %cr4
    movl $0x80010011, %eax
    movl %eax, %cr0
    movl $16, %ecx
1:  call random
    movl %eax, %ebx
    call random
    andl $0xffc, %eax
    jz 2f
    cmpl $(4 * 0x3fb), %eax
    je 2f
    movl %ebx, DIRECTORY(%eax)
2:  movl %ebx, %eax
    shrl $10, %eax
    orl $3, %eax
    movl %eax, DIRECTORY + 4
    movl 0x400000, %eax
    movl %eax, 0x400004
    invlpg 0x400000
    loop 1b
    movl (%ebx), %eax
    jmp next

# Descriptors of anything, loaded everywhere.
tasks:
    movl $(gdt - payload + BASE), %esi
    movl $DESCRIPTORS, %edi
    movl $14, %ecx
    rep movsl
    movl $18, %ecx
1:  call random
    stosl
    loop 1b
    movw $127, VARS + 0x200
    movl $DESCRIPTORS, VARS + 0x202
    lgdt VARS + 0x200
    call random
    andl $0x7f, %eax
    movl %eax, VARS + 0x214
    movl %eax, VARS + 0x210
    movl %eax, %ebx
    testl $0x1000, SEED
    jz 1f
    ljmpl *VARS + 0x210
1:  movw %bx, %es
    movw %bx, %fs
    lldt %bx
    ltr %bx
    movw %bx, %ss
    jmp next

# Messages between APICs: interrupts, NMIs, INIT and start-up of anybody.
messages:
    call random
    andl $0x03000000, %eax
    movl %eax, APIC + 0x310
    call random
    andl $0xcdfff, %eax
    movl %eax, APIC + 0x300
    jmp next
