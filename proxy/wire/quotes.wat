;; Looks for the quote that ends a JSON string, sixteen bytes at a time. `npm run generate` makes quotes-wasm.ts of it.
;; find(at, end): the first quote in [at, end) that no backslash before it escapes, or `end`. Backslashes that reach back to the
;; first byte of the memory may go on before it: such a quote is given too, and the caller has to look.
(module
  (memory (export "memory") 2)
  (func (export "find") (param $at i32) (param $end i32) (result i32)
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
    (local.get $end)))
