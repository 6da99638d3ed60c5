// A network in the page: the layers that autoenc/ has in NumPy, once more in JavaScript.
//
// autoenc/report/network.py writes what is read here: {layers: [{kind, inputs, outputs, activation, ...}], weights}.
// An array is written as {type, shape, data}, its bytes in base64.  Pictures are rows of numbers, line by line, the
// channels of a pixel side by side.

// The numbers of a written array: a Float32Array, or a Uint8Array of small whole numbers.
function unpacked({type, data}) {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  if (type === "uint8") return bytes;
  if (type === "float32") return new Float32Array(bytes.buffer);
  if (type === "float16") return Float32Array.from(new Uint16Array(bytes.buffer), fromHalf);
  throw new TypeError(`an array of ${type}`);
}

// The number that sixteen bits mean: one bit of sign, five of exponent, ten of fraction.
function fromHalf(bits) {
  const sign = bits >> 15 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * fraction / 1024;
}

// Each turns z into y in place; a row of z has `features` numbers.
const ACTIVATIONS = {
  linear(z) {},
  tanh(z) { for (let k = 0; k < z.length; k++) z[k] = Math.tanh(z[k]); },
  sigmoid(z) { for (let k = 0; k < z.length; k++) z[k] = 1 / (1 + Math.exp(-z[k])); },
  relu(z) { for (let k = 0; k < z.length; k++) z[k] = Math.max(z[k], 0); },
  softmax(z, features) {
    for (let first = 0; first < z.length; first += features) {
      const row = z.subarray(first, first + features), largest = Math.max(...row);
      let sum = 0;
      for (let k = 0; k < features; k++) sum += row[k] = Math.exp(row[k] - largest);
      for (let k = 0; k < features; k++) row[k] /= sum;
    }
  },
};

// y += x W, where W has a row of `features` weights for each input; it begins at `first` in `weights`, and y at `to`.
function addProduct(y, x, weights, first, features, to = 0) {
  for (let i = 0; i < x.length; i++) {
    const factor = x[i];
    if (factor === 0) continue;                               // many a ReLU's is
    const row = first + i * features;
    for (let j = 0; j < features; j++) y[to + j] += factor * weights[row + j];
  }
}

const LAYERS = {
  // y = activation(x W + b); the bias b is the last row of the weights
  dense({inputs, outputs}, weights, x) {
    const y = Float32Array.from(weights.subarray(inputs * outputs));
    addProduct(y, x, weights, 0, outputs);
    return y;
  },

  // Each output pixel adds up a patch of the input: weights (kernel rows, kernel columns, in, out), then the bias.
  convolution({inputs, outputs, kernel, stride, before}, weights, x) {
    const [height, width, channels] = inputs, [rows, columns, filters] = outputs;
    const y = new Float32Array(rows * columns * filters), bias = weights.subarray(weights.length - filters);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
      const to = (i * columns + j) * filters;
      y.set(bias, to);
      for (let a = 0; a < kernel[0]; a++) for (let b = 0; b < kernel[1]; b++) {
        const row = i * stride[0] + a - before[0], column = j * stride[1] + b - before[1];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;     // outside the picture are zeros
        const from = (row * width + column) * channels;
        const first = (a * kernel[1] + b) * channels * filters;
        addProduct(y, x.subarray(from, from + channels), weights, first, filters, to);
      }
    }
    return y;
  },

  // Each input pixel paints a patch, and patches add up: weights (kernel rows, kernel columns, in, out), then the bias.
  transposed({inputs, outputs, kernel, stride, before}, weights, x) {
    const [rows, columns, channels] = inputs, [height, width, filters] = outputs;
    const y = new Float32Array(height * width * filters), bias = weights.subarray(weights.length - filters);
    for (let to = 0; to < y.length; to += filters) y.set(bias, to);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
      const from = (i * columns + j) * channels, pixel = x.subarray(from, from + channels);
      for (let a = 0; a < kernel[0]; a++) for (let b = 0; b < kernel[1]; b++) {
        const row = i * stride[0] + a - before[0], column = j * stride[1] + b - before[1];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;     // beyond the edge nothing is kept
        const first = (a * kernel[1] + b) * channels * filters;
        addProduct(y, pixel, weights, first, filters, (row * width + column) * filters);
      }
    }
    return y;
  },

  reshape(layer, weights, x) { return x; },                         // the numbers stay where they are
  mean({outputs}, weights, x) { return x.slice(0, outputs); },      // of mean and log-variance the mean
};

const product = shape => [].concat(shape).reduce((size, next) => size * next, 1);

// How many weights and biases a layer has.
function count({kind, inputs, outputs, kernel}) {
  if (kind === "dense") return (inputs + 1) * outputs;
  if (!kernel) return 0;
  const channels = inputs[2], filters = outputs[2];
  return (product(kernel) * channels + 1) * filters;
}

// The function that a written network is: from a row of numbers to a Float32Array.  What each layer passes on is added to
// the list `seen`.
function network({layers, weights}) {
  const parameters = unpacked(weights);
  let first = 0;
  const parts = layers.map(layer => parameters.subarray(first, first += count(layer)));
  if (first !== parameters.length) throw new RangeError(`${parameters.length} weights for ${first} places`);
  return function (input, seen = []) {
    let values = Float32Array.from(input);
    if (values.length !== product(layers[0].inputs)) throw new RangeError(`${values.length} inputs`);
    layers.forEach((layer, k) => {
      values = LAYERS[layer.kind](layer, parts[k], values);
      if (layer.activation) ACTIVATIONS[layer.activation](values, [].concat(layer.outputs).at(-1));
      seen.push(values);
    });
    return values;
  };
}
