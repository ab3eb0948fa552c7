# Wraps the flat 32-bit guest into the 64-bit ELF file with a PVH note that kernels are.
  .text
  .incbin GUEST_BINARY
  .section .note.pvh, "a", @note
  .long 4, 4, 18
  .asciz "Xen"
  .long 0x100000
