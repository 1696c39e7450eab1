export const roomSamples = {};
