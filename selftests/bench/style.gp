# SPDX-License-Identifier: GPL-2.0
#
# style.gp - what the pictures have in common. Loaded by the others.
kernel_colour = "#c2410c"
module_colour = "#1d4ed8"
ink = "#333333"

set terminal svg size 900,520 font "DejaVu Sans,Verdana,sans-serif,14" \
	background rgb "white"
set border 3 linecolor rgb ink
set tics nomirror out textcolor rgb ink
set grid back linecolor rgb "#dddddd" linewidth 1 dashtype solid
set style line 1 linecolor rgb kernel_colour linewidth 2.5 pointtype 7 pointsize 0.6
set style line 2 linecolor rgb module_colour linewidth 2.5 pointtype 7 pointsize 0.6
set style line 3 linecolor rgb kernel_colour linewidth 1.5 dashtype 2 pointtype 6 pointsize 0.6
set style line 4 linecolor rgb module_colour linewidth 1.5 dashtype 2 pointtype 6 pointsize 0.6

# 1234567 as "1,234,567"
commas(n) = n < 1000 ? sprintf("%d", n) : commas(int(n) / 1000) . sprintf(",%03d", int(n) % 1000)

# powers of ten on the y axis
set logscale y
set ytics ("100" 100, "1,000" 1000, "10,000" 10000, "100,000" 100000, "1,000,000" 1000000)
