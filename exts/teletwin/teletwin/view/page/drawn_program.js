// @ts-check
/** Programs of the shaders that the server's renderer uses, too; only their head differs. */

/** @param {number} maxFrames */
const head = (maxFrames) => `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2DShadow;
#define MAX_FRAMES ${maxFrames}
`;
/** Where every program has these, so that one vertex array serves all. */
export const ATTRIBUTES = { in_position: 0, in_normal: 1, in_colour: 2 };
export const FRAMES_BINDING = 0;

/** @param {string} name */
async function source(name) {
  const answer = await fetch(`glsl/${name}.glsl`);
  if (!answer.ok) throw new Error(`shader ${name}: ${answer.status}`);
  return answer.text();
}

/** Between two looks whether a program is compiled [ms]. */
const LOOK_MS = 10;

/** Begin to compile and link; to ask how it went would wait for the end. @param {WebGL2RenderingContext} gl @param {string[]} texts */
function build(gl, [vertex, fragment]) {
  const program = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [kind, text] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  for (const [attribute, location] of Object.entries(ATTRIBUTES)) gl.bindAttribLocation(program, location, attribute);
  gl.linkProgram(program);
  return program;
}

/** Wait until a program is built, elsewhere where the browser can. @param {WebGL2RenderingContext} gl @param {WebGLProgram} program */
async function built(gl, program) {
  const parallel = gl.getExtension("KHR_parallel_shader_compile");
  while (parallel && !gl.getProgramParameter(program, parallel.COMPLETION_STATUS_KHR))
    await new Promise((done) => setTimeout(done, LOOK_MS));
  if (gl.getProgramParameter(program, gl.LINK_STATUS)) return;
  const logs = (gl.getAttachedShaders(program) ?? []).map((shader) => gl.getShaderInfoLog(shader));
  throw new Error(`${gl.getProgramInfoLog(program)} ${logs.join(" ")}`);
}

export class Program {
  /** @param {WebGL2RenderingContext} gl @param {string} vertex @param {string} fragment @param {number} maxFrames */
  static async load(gl, vertex, fragment, maxFrames) {
    const texts = await Promise.all([source(vertex), source(fragment)]);
    const program = build(gl, texts.map((text) => head(maxFrames) + text));
    try {
      await built(gl, program);
    } catch (error) {
      throw new Error(`${vertex}, ${fragment}: ${error instanceof Error ? error.message : error}`);
    }
    return new Program(gl, program);
  }

  /** @param {WebGL2RenderingContext} gl @param {WebGLProgram} program */
  constructor(gl, program) {
    this.gl = gl;
    const block = gl.getUniformBlockIndex(program, "Frames");
    if (block !== gl.INVALID_INDEX) gl.uniformBlockBinding(program, block, FRAMES_BINDING);
    this.program = program;
    /** @type {Map<string, {at: WebGLUniformLocation | null, type: number}>} */
    this.uniforms = new Map();
    const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS);
    for (let k = 0; k < count; k += 1) {
      const info = /** @type {WebGLActiveInfo} */ (gl.getActiveUniform(program, k));
      this.uniforms.set(info.name, { at: gl.getUniformLocation(program, info.name), type: info.type });
    }
  }

  /** Use it with these uniforms; those that the compiler removed are skipped. @param {Record<string, any>} values */
  use(values) {
    const { gl } = this;
    gl.useProgram(this.program);
    for (const [name, value] of Object.entries(values)) {
      const uniform = this.uniforms.get(name);
      if (!uniform) continue;
      const { at, type } = uniform;
      if (type === gl.FLOAT) gl.uniform1f(at, value);
      else if (type === gl.FLOAT_VEC2) gl.uniform2fv(at, value);
      else if (type === gl.FLOAT_VEC3) gl.uniform3fv(at, value);
      else if (type === gl.FLOAT_VEC4) gl.uniform4fv(at, value);
      else if (type === gl.FLOAT_MAT3) gl.uniformMatrix3fv(at, false, value);
      else if (type === gl.FLOAT_MAT4) gl.uniformMatrix4fv(at, false, value);
      else gl.uniform1i(at, value);
    }
  }
}
