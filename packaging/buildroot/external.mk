# SPDX-License-Identifier: GPL-2.0
include $(sort $(wildcard $(BR2_EXTERNAL_DMA_ALIAS_POOL_PATH)/package/*/*.mk))
