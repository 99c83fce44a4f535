# SPDX-License-Identifier: GPL-2.0
#
# rate.gp STYLE ROUNDS - draws how many of ROUNDS rounds of each test have wrong data,
# depending on how often lines are evicted and fetched. Reads rate.dat, lines "ACCESSES
# READS READS_AGAIN LATE STATUS POOL": ACCESSES is how many accesses the CPU does between
# two such events, the others count wrong rounds, POOL those of all tests on a pool.
# Writes rate.svg.
load ARG1
set output "rate.svg"
rounds = ARG2 + 0

unset logscale
set logscale x
set title "Wrong rounds, of " . ARG2 . ", on a data cache of 16 KiB"
set xlabel "accesses of the CPU between two lines that are evicted, written back or fetched by themselves"
set ylabel "rounds with wrong data"
set xrange [1400:0.8] reverse
set yrange [-2:rounds + 6]
set ytics 10
set format x "%g"
set format y "%g"
set key at 900, rounds * 0.62 left Left reverse samplen 2

plot "rate.dat" using 1:2 with linespoints lw 2 pt 5 lc rgb "#b03060" title "normal memory: the device reads what the CPU wrote", \
	"" using 1:4 with linespoints lw 2 pt 7 lc rgb "#d08030" title "normal memory: the device writes where the CPU wrote", \
	"" using 1:3 with linespoints lw 2 pt 9 lc rgb "#8060c0" title "normal memory: the CPU reads again what the device wrote", \
	"" using 1:5 with linespoints lw 2 pt 11 lc rgb "#606060" title "normal memory: the CPU polls a status word", \
	"" using 1:6 with linespoints lw 3 pt 13 lc rgb "#207040" title "a pool: each of these"
