// SPDX-License-Identifier: Apache-2.0
// Placeholder until the API lands.
export {};
