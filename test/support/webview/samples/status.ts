export const statusSamples = {};
