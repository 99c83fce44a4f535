# SPDX-License-Identifier: GPL-2.0
#
# map.gp KERNEL-USED KERNEL-LOST KERNEL-FAILED MODULE-USED MODULE-LOST
# MODULE-FAILED - who has which page of the two pools after the churn. In:
# map.dat, "WHO X1 X2 ROW KIND", kind 1: asked for, 2: lost. Out: map.svg.
load ARG0[1:strlen(ARG0) - strlen("map.gp")] . "style.gp"
set terminal svg size 1100,440
unset logscale
set output "map.svg"

rows = 16
columns = 64
gap = 0.08
unset key
unset xtics
unset ytics
unset grid
set border linecolor rgb "#999999"
set xrange [0:columns]
set yrange [rows:0]
set style fill solid noborder
set object 1 rectangle from graph 0, 0 to graph 1, 1 behind \
	fillcolor rgb "#f1f1ee" fillstyle solid noborder

in_words(used, lost, failed) = sprintf( \
	"%d pages in use, %d lost to rounding (pale), %d free\n%s requests failed", used, \
	lost, rows * columns - used - lost, commas(failed))

# what to draw of a pool, and as what: with a gap to the next allocation
of(who, kind) = sprintf("< awk '$1 == \"%s\" && $5 == %d' map.dat", who, kind)
bar = "using (0):(0):($2 + gap):($3 - gap):($4 + gap):($4 + 1 - gap) \
	with boxxyerror linecolor rgb"

set multiplot layout 1, 2 \
	title "Pools of 1,024 pages after the same 20,000 steps of a churn, 64 pages a line" \
	font ",16" margins 0.02, 0.98, 0.16, 0.82 spacing 0.03

set title "the kernel's global pool" textcolor rgb kernel_colour font ",15" offset 0, -0.4
set xlabel in_words(ARG1 + 0, ARG2 + 0, ARG3 + 0)
plot of("kernel", 1) @bar kernel_colour, \
	of("kernel", 2) @bar "#f5c6a5"
set title "dma-alias-pool" textcolor rgb module_colour font ",15" offset 0, -0.4
set xlabel in_words(ARG4 + 0, ARG5 + 0, ARG6 + 0)
plot of("module", 1) @bar module_colour
unset multiplot
