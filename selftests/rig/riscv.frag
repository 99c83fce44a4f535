# SPDX-License-Identifier: GPL-2.0
#
# riscv.frag - what BusyBox has on the RISC-V machine beside busybox.frag: its
# tests have disks and network cards.
CONFIG_CROSS_COMPILER_PREFIX="riscv-"

CONFIG_FEATURE_MD5_SHA1_SUM_CHECK=y
CONFIG_FLOAT_DURATION=y
CONFIG_MKE2FS=y
CONFIG_PING=y
CONFIG_FEATURE_FANCY_PING=y
CONFIG_IP=y
CONFIG_FEATURE_IP_ADDRESS=y
CONFIG_FEATURE_IP_LINK=y
CONFIG_NC=y
