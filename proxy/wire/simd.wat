;; Looks through the bytes at the beginning of the memory, sixteen at a time. `npm run generate` makes simd-wasm.ts of it.
;; The caller sees to it that sixteen bytes more than those that are looked at belong to the memory.
(module
  (memory (export "memory") 2)
  ;; The first quote in [at, end) that no backslash before it escapes, or `end`. Backslashes that reach back to the first byte of
  ;; the memory may go on before it: such a quote is given too, and the caller has to look.
  (func (export "quote") (param $at i32) (param $end i32) (result i32)
    (local $mask i32) (local $quote i32) (local $run i32)
    (block $none
      (loop $next
        (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $mask
          (i8x16.bitmask (i8x16.eq (v128.load align=1 (local.get $at)) (i8x16.splat (i32.const 34)))))
        (block $done
          (loop $quotes
            (br_if $done (i32.eqz (local.get $mask)))
            (local.set $quote (i32.add (local.get $at) (i32.ctz (local.get $mask))))
            (br_if $none (i32.ge_u (local.get $quote) (local.get $end)))
            (local.set $run (local.get $quote))
            (block $counted
              (loop $back
                (br_if $counted (i32.eqz (local.get $run)))
                (br_if $counted
                  (i32.ne (i32.load8_u (i32.sub (local.get $run) (i32.const 1))) (i32.const 92)))
                (local.set $run (i32.sub (local.get $run) (i32.const 1)))
                (br $back)))
            (if (i32.eqz (local.get $run)) (then (return (local.get $quote))))
            (if (i32.eqz (i32.and (i32.sub (local.get $quote) (local.get $run)) (i32.const 1)))
              (then (return (local.get $quote))))
            (local.set $mask
              (i32.and (local.get $mask) (i32.sub (local.get $mask) (i32.const 1))))
            (br $quotes)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (local.get $end))

  ;; How often the four bytes of `line` are in [0, end), times two; and one more where those of any of the other words are. A word
  ;; is looked for by its first and its third byte, and where both are, compared.
  (func (export "marks")
    (param $end i32) (param $line i32) (param $a i32) (param $b i32) (param $c i32) (param $d i32) (param $e i32) (result i32)
    (local $at i32) (local $mask i32) (local $word i32) (local $place i32) (local $lines i32) (local $found i32)
    (local $here v128) (local $two v128)
    (local $line0 v128) (local $line2 v128)
    (local $a0 v128) (local $a2 v128)
    (local $b0 v128) (local $b2 v128)
    (local $c0 v128) (local $c2 v128)
    (local $d0 v128) (local $d2 v128)
    (local $e0 v128) (local $e2 v128)
    (local.set $line0 (i8x16.splat (local.get $line)))
    (local.set $line2 (i8x16.splat (i32.shr_u (local.get $line) (i32.const 16))))
    (local.set $a0 (i8x16.splat (local.get $a)))
    (local.set $a2 (i8x16.splat (i32.shr_u (local.get $a) (i32.const 16))))
    (local.set $b0 (i8x16.splat (local.get $b)))
    (local.set $b2 (i8x16.splat (i32.shr_u (local.get $b) (i32.const 16))))
    (local.set $c0 (i8x16.splat (local.get $c)))
    (local.set $c2 (i8x16.splat (i32.shr_u (local.get $c) (i32.const 16))))
    (local.set $d0 (i8x16.splat (local.get $d)))
    (local.set $d2 (i8x16.splat (i32.shr_u (local.get $d) (i32.const 16))))
    (local.set $e0 (i8x16.splat (local.get $e)))
    (local.set $e2 (i8x16.splat (i32.shr_u (local.get $e) (i32.const 16))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $here (v128.load align=1 (local.get $at)))
        (local.set $two (v128.load offset=2 align=1 (local.get $at)))
        (local.set $mask
          (i8x16.bitmask
            (v128.or (v128.and (i8x16.eq (local.get $here) (local.get $line0)) (i8x16.eq (local.get $two) (local.get $line2)))
            (v128.or (v128.and (i8x16.eq (local.get $here) (local.get $a0)) (i8x16.eq (local.get $two) (local.get $a2)))
            (v128.or (v128.and (i8x16.eq (local.get $here) (local.get $b0)) (i8x16.eq (local.get $two) (local.get $b2)))
            (v128.or (v128.and (i8x16.eq (local.get $here) (local.get $c0)) (i8x16.eq (local.get $two) (local.get $c2)))
            (v128.or (v128.and (i8x16.eq (local.get $here) (local.get $d0)) (i8x16.eq (local.get $two) (local.get $d2)))
            (v128.and (i8x16.eq (local.get $here) (local.get $e0)) (i8x16.eq (local.get $two) (local.get $e2))))))))))
        (block $looked
          (loop $hits
            (br_if $looked (i32.eqz (local.get $mask)))
            (local.set $place (i32.add (local.get $at) (i32.ctz (local.get $mask))))
            (br_if $done (i32.gt_u (i32.add (local.get $place) (i32.const 4)) (local.get $end)))
            (local.set $word (i32.load align=1 (local.get $place)))
            (local.set $lines (i32.add (local.get $lines) (i32.eq (local.get $word) (local.get $line))))
            (local.set $found
              (i32.or (local.get $found)
                (i32.or (i32.eq (local.get $word) (local.get $a))
                  (i32.or (i32.eq (local.get $word) (local.get $b))
                  (i32.or (i32.eq (local.get $word) (local.get $c))
                  (i32.or (i32.eq (local.get $word) (local.get $d))
                  (i32.eq (local.get $word) (local.get $e))))))))
            (local.set $mask (i32.and (local.get $mask) (i32.sub (local.get $mask) (i32.const 1))))
            (br $hits)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (i32.or (i32.shl (local.get $lines) (i32.const 1)) (local.get $found))))
